#include "locator/api/private.h"

#include "common/base/memory.h"

#include <stdlib.h>

struct api_row *api_row_add(struct locator_result *r)
{
    r->rows = sl_grow(r->rows, r->row_count, sizeof *r->rows);
    return &r->rows[r->row_count++];
}

static struct api_cell *add(struct api_row *row, enum locator_field field)
{
    row->cells = sl_resize(row->cells, row->count + 1, sizeof *row->cells);
    struct api_cell *cell = &row->cells[row->count++];
    *cell = (struct api_cell){.field = field, .number = -1};
    return cell;
}

void api_row_text(struct api_row *row, enum locator_field field, const char *text)
{
    if (text && text[0])
        add(row, field)->text = sl_strdup(text);
}

void api_row_number(struct api_row *row, enum locator_field field, int64_t number)
{
    if (number >= 0)
        add(row, field)->number = number;
}

void api_row_list(struct api_row *row, enum locator_field field, struct sl_strings *list)
{
    if (list->count)
        add(row, field)->list = *list;
    *list = (struct sl_strings){0};
}

void api_rows_fini(struct locator_result *r)
{
    for (size_t i = 0; i < r->row_count; i++) {
        for (size_t k = 0; k < r->rows[i].count; k++) {
            free(r->rows[i].cells[k].text);
            sl_strings_fini(&r->rows[i].cells[k].list);
        }
        free(r->rows[i].cells);
    }
    free(r->rows);
}

static const struct api_cell *find(const struct locator_result *r, size_t row, enum locator_field field)
{
    if (row >= locator_row_count(r))
        return NULL;
    for (size_t i = 0; i < r->rows[row].count; i++)
        if (r->rows[row].cells[i].field == field)
            return &r->rows[row].cells[i];
    return NULL;
}

size_t locator_row_count(const struct locator_result *r)
{
    return r ? r->row_count : 0;
}

const char *locator_row_text(const struct locator_result *r, size_t row, enum locator_field field)
{
    const struct api_cell *cell = find(r, row, field);
    return cell ? cell->text : NULL;
}

int64_t locator_row_number(const struct locator_result *r, size_t row, enum locator_field field)
{
    const struct api_cell *cell = find(r, row, field);
    return cell ? cell->number : -1;
}

size_t locator_row_items(const struct locator_result *r, size_t row, enum locator_field field)
{
    const struct api_cell *cell = find(r, row, field);
    return cell ? cell->list.count : 0;
}

const char *locator_row_item(const struct locator_result *r, size_t row, enum locator_field field, size_t item)
{
    const struct api_cell *cell = find(r, row, field);
    return cell && item < cell->list.count ? cell->list.items[item] : NULL;
}
