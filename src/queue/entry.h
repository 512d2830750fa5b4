/* entry.h - one queued message: its file, and what is known of each recipient.
 *
 * The file describes itself (format and guarantees: entry.c). It is written
 * once, then only grows by whole records, each followed by fdatasync where a
 * promise hangs on it; a torn last record does not count. An Entry that exists
 * holds the file's lock until it is freed, and nobody else touches the file.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "mail/content.h"
#include "mail/envelope.h"

typedef struct
{
  char *id;             /* upper-case hexadecimal, the file's name */
  int fd;               /* read and write, locked */
  bool held;            /* in held/, not in queue/ */
  int64_t arrival;      /* seconds since the epoch */
  char *account;        /* name of the chosen account; "" where there is none */
  Envelope *envelope;   /* as submitted: all forward-paths */
  GPtrArray *statuses;  /* of Status, one for each forward-path: the last known;
                           NULL elements: not tried yet */
  unsigned attempts;
  int64_t last_attempt; /* seconds since the epoch; 0: none */
  bool end_of_data_sent; /* the last attempt sent its final dot and no verdict
                            was recorded: the message may be at the relay */
  char *reason;         /* why it is held, or ""; one line */
  Content content;
} Entry;

void entry_free (Entry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Entry, entry_free)

/* The envelope with those forward-paths only that are still owed (not tried, or
 * delayed); *OWED gets their indices in the entry's (of size_t, owned). */
Envelope *entry_owed (const Entry *entry, GArray **owed);

/* Appends one record, synced: an attempt begins; the final dot is about to be
 * sent. FAILURE_IO. */
bool entry_record_attempt (Entry *entry, int64_t time, GError **error);
bool entry_record_end_of_data (Entry *entry, int64_t time, GError **error);
