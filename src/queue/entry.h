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
  uint64_t end;         /* where the next record goes */
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

/* Records that an attempt begins (not synced: nothing hangs on it), and that the
 * final dot is about to be sent (synced: from here on the message may be at the
 * relay). FAILURE_IO. */
bool entry_record_attempt (Entry *entry, int64_t time, GError **error);
bool entry_record_end_of_data (Entry *entry, int64_t time, GError **error);

/* Records the new STATUSES of the forward-paths OWED (indices), synced, and
 * keeps copies in entry->statuses. */
bool entry_record_statuses (Entry *entry, const GArray *owed,
                            const GPtrArray *statuses, GError **error);

/* Records why the entry is held, synced. */
bool entry_record_reason (Entry *entry, const char *reason, GError **error);

/* For queue/ alone. The octets before a file's content; what follows the content
 * when the file is made; and a locked file read back: NULL and FAILURE_DATA
 * where it is no whole entry. FD becomes the entry's only on success. */
#define ENTRY_PREAMBLE 96
char *entry_preamble (uint64_t body, uint64_t header, uint64_t envelope,
                      uint32_t crc);
GString *entry_envelope_text (const Entry *entry);
Entry *entry_read (int fd, const char *id, GError **error);
