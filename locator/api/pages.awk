# pages.awk: the manual pages of liblocator, section 3, from its public header, which is the only place where they are written.
#
#     awk -v folder=FOLDER -v version=VERSION -f pages.awk locator.h
#
# The first comment becomes locator.3; each section of the header ("---- title ----") becomes a page of its own; each function gets a
# link to its page. An enumeration stands on the page that `place` names, else with the results. POSIX awk.

BEGIN {
    place["locator_option"] = "context"
    place["locator_kind"] = "finding"
    other_place = "results"
    headings["locator_option"] = "OPTIONS"
    headings["locator_kind"] = "KINDS"
    headings["locator_outcome"] = "OUTCOMES"
    headings["locator_field"] = "FIELDS"
    headings["locator_row"] = "ROWS"
    headings["locator_step_field"] = "PARTS OF A STEP"
    headings["locator_rule_field"] = "PARTS OF A RULE"
}

# ---- reading: `pending` is the last comment, line by line --------------------------------------------------------------

in_enum {
    body = body " " $0
    if ($0 ~ /^};/) {
        in_enum = 0
        end_enum()
    }
    next
}
in_comment { add_comment($0); next }
/^\/\* ---- .* -+ \*\/$/ {
    title = $0
    sub(/^\/\* -+ /, "", title)
    sub(/ -+ \*\/$/, "", title)
    page_title[++page_count] = title
    next
}
/^\/\*/ {
    pending_count = 0
    pending_as_above = $0 ~ /^\/\* [Aa]s above/
    in_comment = 1
    add_comment(substr($0, 3))
    next
}
/^struct [a-z_]+;/ {
    line = $0
    sub(/^struct /, "", line)
    split(line, parts, ";")
    note = line
    sub(/^[^*]*\*[ ]*/, "", note)
    sub(/ *\*\/.*$/, "", note)
    types[++type_count] = "struct " parts[1]
    type_notes[type_count] = note
    next
}
/^enum [a-z_]+ \{/ {
    enum_name = $2
    body = ""
    in_enum = 1
    next
}
/^[a-z].*\(/ || in_prototype {
    line = $0
    is_as_above = line ~ /\/\* as above \*\//
    sub(/ *\/\*.*\*\/ *$/, "", line)
    prototype = in_prototype ? prototype "\n" line : line
    in_prototype = line !~ /;$/
    if (!in_prototype)
        end_prototype(is_as_above)
    next
}

function add_comment(text) {
    if (text ~ /\*\/ *$/)
        in_comment = 0
    sub(/ *\*\/ *$/, "", text)
    sub(/^ \*/, "", text)
    sub(/^ /, "", text)
    if (text == "" && (!in_comment || pending_count == 0))
        text = "\001"   # no line at all: the frame of the comment
    if (text != "\001")
        pending[++pending_count] = text
    if (!in_comment && !overview_count && page_count == 0 && type_count == 0)
        keep_overview()
}

function keep_overview(i) {
    for (i = 1; i <= pending_count; i++)
        overview[++overview_count] = pending[i]
    pending_count = 0
}

function keep_comment(key, i) {
    text_count[key] = pending_count
    for (i = 1; i <= pending_count; i++)
        texts[key, i] = pending[i]
    pending_count = 0
}

# An entry of a page is a comment with the functions below it.
function end_prototype(is_as_above, name, key) {
    name = prototype
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    if (pending_count && !pending_as_above && !is_as_above) {
        entry_count[page_count]++
        keep_comment(page_count SUBSEP entry_count[page_count])
    }
    key = page_count SUBSEP entry_count[page_count]
    names[key] = names[key] (names[key] == "" ? "" : ", ") name
    prototypes[page_count] = prototypes[page_count] prototype "\n"
    page_of_function[name] = page_count
    pending_as_above = 0
}

function end_enum() {
    enums[++enum_count] = enum_name
    keep_comment("enum " enum_name)
    bodies[enum_name] = body
}

# ---- writing -------------------------------------------------------------------------------------------------------------

function slug(title) {
    gsub(/ /, "-", title)
    return "locator-" title
}

function escape(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    if (text ~ /^[.']/)
        text = "\\&" text
    return text
}

function begin_page(name, summary, upper) {
    out = folder "/" name ".3"
    upper = toupper(name)
    printf ".TH %s 3 \"\" \"sitelocator %s\" \"liblocator\"\n.SH NAME\n%s \\- %s\n", escape(upper), version, escape(name), escape(summary) >out
}

# Text of a comment: empty lines part paragraphs, what stands four columns in is shown as it is.
function put_line(text) {
    if (text ~ /^    / && !is_code) {
        print (is_parted ? ".nf" : ".PP\n.nf") >out
        is_code = 1
    } else if (text !~ /^    / && is_code && text != "") {
        print ".fi\n.PP" >out
        is_code = 0
    } else if (text == "" && !is_code) {
        text = "\001"
        print ".PP" >out
    }
    is_parted = text == "\001"
    if (!is_parted)
        print escape(text) >out
}

function end_lines() {
    if (is_code)
        print ".fi" >out
    is_code = 0
}

function put_enum(name, rest, item, note, i, at) {
    print ".SH " (name in headings ? headings[name] : toupper(name)) >out
    for (i = 1; i <= text_count["enum " name]; i++)
        put_line(texts["enum " name, i])
    end_lines()
    rest = bodies[name]
    while (match(rest, /LOCATOR_[A-Z0-9_]+ *= *[0-9]+/)) {
        item = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        note = ""
        at = match(rest, /^,? *\/\*/)
        if (at) {
            note = substr(rest, RLENGTH + 1)
            at = index(note, "*/")
            rest = substr(note, at + 2)
            note = substr(note, 1, at - 1)
            gsub(/ +/, " ", note)
            gsub(/^ | $/, "", note)
        }
        sub(/ *=.*/, "", item)
        printf ".TP\n.B %s\n%s\n", item, note == "" ? "\\&" : escape(note) >out
    }
}

function put_see_also(but, i) {
    printf ".SH SEE ALSO\n" >out
    if (but != 0)
        printf ".BR locator (3)" >out
    for (i = 1; i <= page_count; i++)
        if (i != but)
            printf "%s.BR %s (3)", (i == 1 && but == 0) ? "" : ",\n", escape(slug(page_title[i])) >out
    printf ",\n.BR locator (1)\n" >out
    close(out)
}

function put_page(page, key, i, k) {
    begin_page(slug(page_title[page]), "liblocator: " page_title[page])
    printf ".SH SYNOPSIS\n.nf\n#include <locator/locator.h>\n\n%s.fi\n.SH DESCRIPTION\n", escape(prototypes[page]) >out
    for (i = 1; i <= entry_count[page]; i++) {
        key = page SUBSEP i
        print ".SS " names[key] >out
        for (k = 1; k <= text_count[key]; k++)
            put_line(texts[key, k])
        end_lines()
    }
    for (i = 1; i <= enum_count; i++)
        if ((enums[i] in place ? place[enums[i]] : other_place) == page_title[page])
            put_enum(enums[i])
    put_see_also(page)
}

END {
    begin_page("locator", "finding the site systems of Systems Management Server 2003 and Configuration Manager 2007 from C")
    print ".SH SYNOPSIS\n.nf\n#include <locator/locator.h>\n" >out
    print "cc prog.c $(pkg\\-config \\-\\-cflags \\-\\-libs locator)\n.fi\n.SH DESCRIPTION" >out
    for (i = 3; i <= overview_count; i++)   # after "locator.h - ..." and the empty line
        put_line(overview[i])
    end_lines()
    print ".SH TYPES" >out
    for (i = 1; i <= type_count; i++)
        printf ".TP\n.B %s\n%s\n", types[i], escape(type_notes[i]) >out
    put_see_also(0)
    for (page = 1; page <= page_count; page++)
        put_page(page)
    for (name in page_of_function) {
        out = folder "/" name ".3"
        printf ".so man3/%s.3\n", slug(page_title[page_of_function[name]]) >out
        close(out)
    }
}
