/* entry.h - one queued message: its file, and what is known of each recipient.
 *
 * The file describes itself (format and guarantees: entry.c). It is written
 * once, then only grows by whole records, each followed by fdatasync where a
 * promise hangs on it; a torn last record does not count. A locked Entry holds
 * the file's lock until it is freed, and nobody else touches the file. A view
 * (queue_view) is read without the lock: it may be out of date at once, its body
 * was not checked, and nothing may be recorded through it.
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
  int fd;               /* read and write, locked; of a view: read only */
  bool held;            /* in held/, not in queue/ */
  bool notification;    /* one of our own (RFC 3464); nobody is told of it */
  int64_t arrival;      /* seconds since the epoch */
  bool as_given;        /* local names among the recipients do not lead anywhere
                           yet: nothing may be sent before they are settled */
  char *account;        /* name of the chosen account; "" where there is none */
  Envelope *envelope;   /* as submitted: all forward-paths */
  Envelope *settling;   /* private: what was read of it so far */
  GPtrArray *statuses;  /* of Status, one for each forward-path: the last known;
                           NULL elements: not tried yet, or released since */
  GArray *told;         /* of bool, one for each forward-path: the sender knows
                           of its failure */
  unsigned attempts;
  unsigned delays;      /* attempts in a row after which the message itself or a
                           recipient was put off, not the account */
  bool counted;         /* private: the last attempt is one of them */
  int64_t last_attempt; /* seconds since the epoch; 0: none */
  int64_t waited;       /* seconds from arrival (or release) to the last attempt,
                           as retry_elapsed counts them */
  int64_t waited_until; /* private: where that count stands */
  int64_t end_of_data;  /* when a final dot was sent last; 0: never */
  bool retry;           /* somebody asked for an attempt since the last one */
  bool warned;          /* the sender knows that it still waits */
  uint64_t end;         /* where the next record goes */
  bool end_of_data_sent; /* the last attempt sent its final dot and no verdict
                            was recorded: the message may be at the relay */
  char *reason;         /* why it is held, or ""; one line */
  int64_t held_since;   /* seconds since the epoch; 0: not held */
  int64_t doomed;       /* when it was found to be held too long; 0: never */
  Content content;
} Entry;

void entry_free (Entry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Entry, entry_free)

/* The envelope with those forward-paths only that are still owed (not tried, or
 * delayed); *OWED gets their indices in the entry's (of size_t, owned). */
Envelope *entry_owed (const Entry *entry, GArray **owed);

/* Somebody has the message, by this attempt or an earlier one. */
bool entry_is_relayed (const Entry *entry);

/* The last attempt may have left the message with the relay. */
bool entry_is_ambiguous (const Entry *entry);

/* When its own history lets it be tried again, the account's apart: 0 or a time
 * not after NOW means now. Asked for by a person, now, unless it is ambiguous;
 * now also where nothing is owed, but something is left to be done. */
int64_t entry_due (const Entry *entry, int64_t now);

/* For each of these: FAILURE_IO, and the entry is as before. TIME is in seconds
 * since the epoch. Synced unless said otherwise.
 *
 * An attempt begins (not synced: nothing hangs on it). Refused where the disk has
 * no room for what may have to be recorded of it. */
bool entry_record_attempt (Entry *entry, int64_t time, GError **error);
/* The final dot is about to be sent: from here on the message may be at the
 * relay. */
bool entry_record_end_of_data (Entry *entry, int64_t time, GError **error);
/* New STATUSES of the forward-paths OWED (indices); copies are kept in
 * entry->statuses. */
bool entry_record_statuses (Entry *entry, const GArray *owed,
                            const GPtrArray *statuses, GError **error);
/* Why the entry is held. */
bool entry_record_reason (Entry *entry, const char *reason, int64_t time,
                          GError **error);
/* The sender knows of all failures so far; or that the message still waits. */
bool entry_record_told (Entry *entry, GError **error);
bool entry_record_warned (Entry *entry, GError **error);
/* Somebody asks for an attempt (not synced). */
bool entry_record_retry (Entry *entry, GError **error);
/* Held no more: held and failed forward-paths are owed again, and its life
 * begins anew at TIME. */
bool entry_record_release (Entry *entry, int64_t time, GError **error);
/* Its recipients were as given: from now on they, and its sender, are those of
 * ENVELOPE, and ACCOUNT carries it. Nothing of it was tried before. */
bool entry_record_settled (Entry *entry, const char *account,
                           const Envelope *envelope, GError **error);
/* It was held too long, and is removed later (not synced). */
bool entry_record_doomed (Entry *entry, int64_t time, GError **error);

/* For queue/ alone. The octets before a file's content; what follows the content
 * when the file is made; a file read back: NULL and FAILURE_DATA where it is no
 * whole entry, FAILURE_IO where it cannot be read now. FD becomes the entry's only
 * on success. With CHECKED the octets are held against their checksum, which takes
 * reading all of them. A record of REASON as entry_record_reason writes it, and
 * what it says, for who cannot call that. */
#define ENTRY_PREAMBLE 96
#define ENTRY_ENVELOPE_MAXIMUM (64 * 1024 * 1024)
char *entry_preamble (uint64_t body, uint64_t header, uint64_t envelope,
                      uint32_t crc);
GString *entry_envelope_text (const Entry *entry);
Entry *entry_read (int fd, const char *id, bool checked, GError **error);
GString *entry_reason_text (const char *reason, int64_t time);
void entry_note_reason (Entry *entry, const char *reason, int64_t time);
