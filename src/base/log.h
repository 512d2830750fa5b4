/* log.h - the program's log: one line per event, key=value, English keys.
 *
 * Goes to syslog(3) (facility mail; the journal takes it from there), or to a
 * file. A log that cannot be written never fails a message: the trouble is said
 * once on stderr where that is a terminal. No secret is ever handed to it.
 */
#pragma once

#include <glib.h>

/* TARGET: NULL or "syslog"; "none"; else the absolute path of a file, which is
 * appended to, made with mode 0600, and written one line per write(2) so that
 * processes do not mix; what a full disk left of a line is ended by the next one, as
 * a line of its own. May be called again. */
void log_open (const char *target);

/* From now on lines go to where the log is now, whether that can be opened again or
 * not: for a process that is about to give up its rights. */
void log_keep_open (void);

/* Each line is of this program, instead of "postrider". What would be mistaken
 * for something else becomes '_'. NULL or empty: as it was. */
void log_tag (const char *tag);
const char *log_name (void);

/* LOG_* priority of syslog(3). The line is made printable; a file's line begins
 * with the date in RFC 3339 form, name and pid. */
void log_line (int priority, const char *format, ...) G_GNUC_PRINTF (2, 3);
