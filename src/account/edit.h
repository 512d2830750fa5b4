/* edit.h - changes to an accounts file that keep what a person wrote there:
 * comments, order, and all other lines stay octet for octet.
 *
 * A file is opened, changed in memory, and committed. The new text is read as the
 * program would read it before it takes the place of the old one, in one step:
 * a crash leaves one or the other, and who reads meanwhile sees one or the other. What
 * a crash leaves beside the file goes when the next one writes.
 * Nothing here may be a secret.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct Edit Edit;

/* FILE, or where it is NULL the file of the user whose home is HOME (nullable).
 * It need not exist. FAILURE_CONFIG where there is no place for one, or it is no
 * good as it stands: one line for each error, as of accounts_load. */
Edit *edit_open (const char *file, const char *home, GError **error);
void edit_free (Edit *edit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Edit, edit_free)

/* The same for TEXT that stands nowhere; it cannot be committed. FILE is what
 * errors call it. */
Edit *edit_open_text (const char *file, const char *home, const char *text,
                      GError **error);

/* The path of the file. */
const char *edit_file (const Edit *edit);

/* Whether there is [SECTION] already. */
bool edit_has (const Edit *edit, const char *section);

/* The value of NAME in [SECTION]; NULL: not set there. The caller owns it. */
char *edit_get (const Edit *edit, const char *section, const char *name);

/* Sets NAME in [SECTION] to VALUE, as the reader will read it; quotes are put where
 * they are needed. A setting that stands there keeps its place and the comment
 * behind it, another comes behind the last of its section, and a section that is
 * not there behind all others. VALUE NULL: the setting is taken away.
 * FAILURE_CONFIG where the file cannot say that: control characters, octets that
 * are not UTF-8, a line that is too long, a section's name that is none. */
bool edit_set (Edit *edit, const char *section, const char *name,
               const char *value, GError **error);

/* Adds TEXT behind all that stands there: whole sections, of names that are new. */
void edit_append (Edit *edit, const char *text);

/* The whole text as it would stand in the file. */
const char *edit_text (const Edit *edit);

/* Whether that is not what was read. */
bool edit_is_changed (const Edit *edit);

/* Whether accounts_load would take it: FAILURE_CONFIG, with its lines. */
bool edit_check (const Edit *edit, GError **error);

/* Whether this user may write the file, as far as can be seen without trying:
 * FAILURE_IO. For who would have a person say in vain what to write. */
bool edit_may_write (const Edit *edit, GError **error);

/* Checks and writes, but for the last step: a directory that is missing is made, for
 * this user alone, and the new text stands on disk beside the file. For who has to do
 * something else in between that nobody takes back: what can fail has not failed.
 * No edit_set from then on; edit_free leaves the file as it was. FAILURE_CONFIG where
 * it does not pass, or somebody changed the file since edit_open;
 * FAILURE_CANNOT_CREATE or FAILURE_IO where it cannot be written. */
bool edit_prepare (Edit *edit, GError **error);

/* The last step, after edit_prepare if that was not called; fails like it. A file that
 * was there keeps its mode and access control list, and a symbolic link to it stays. */
bool edit_commit (Edit *edit, GError **error);
