/* check-sheet.h - what `postrider check' finds, a row for each thing it looked at,
 * told as it comes or, as JSON, in the end.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "account/account.h"
#include "submit/probe.h"

typedef struct Sheet Sheet;

typedef struct
{
  const char *part; /* its name, never translated */
  ProbeResult result;
  int exit_status;  /* where it failed; else EX_OK */
  int code;         /* of a relay's reply; 0: none */
  int milliseconds; /* -1: of no interest */
  int64_t expires;  /* seconds since the epoch; 0: nothing does */
  const char *text;
  const char *advice; /* nullable */
} Row;

Sheet *sheet_new (bool json);
void sheet_free (Sheet *sheet);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sheet, sheet_free)

/* Rows come in groups: those of an account, and those of this machine (NULL). */
void sheet_begin (Sheet *sheet, const Account *account);
void sheet_add (Sheet *sheet, const Row *row);
void sheet_add_step (Sheet *sheet, const ProbeStep *step);

/* TEXT, which is copied, stands below the rows, where a terminal shows them, until
 * another does or (NULL) none. */
void sheet_await (Sheet *sheet, const char *text);
void sheet_end (Sheet *sheet);

/* Of the first row that failed; EX_OK: none has. */
int sheet_exit_status (const Sheet *sheet);

/* The rest of it. FAILURE_IO. */
bool sheet_finish (Sheet *sheet, GError **error);
