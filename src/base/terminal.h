/* terminal.h - what somebody types at the terminal of this process.
 *
 * While a secret is awaited the signals that end or stop a program are held back,
 * so that the terminal is left as it was. That takes a process of one thread.
 */
#pragma once

#include <glib.h>

#include "base/deadline.h"
#include "base/secret.h"

/* A line that is typed on the terminal of this process after PROMPT, unseen.
 * NULL and FAILURE_IO: there is no terminal; FAILURE_TEMPORARY: a signal came,
 * or nothing until DEADLINE, or nothing more will be typed (Ctrl-D); FAILURE_DATA: it
 * is too long. */
Secret *terminal_ask (const char *prompt, Deadline deadline, GError **error);

/* The next line of FD, without its end; failures as above. */
Secret *terminal_read_line (int fd, GError **error);

/* A line that is typed on the terminal after PROMPT, seen, without its end; the caller
 * owns it. It is valid UTF-8 without control characters, for what is not so becomes
 * '?'. Signals do what they do. NULL and FAILURE_IO: there is no terminal;
 * FAILURE_TEMPORARY: nothing more will be typed (Ctrl-D). */
char *terminal_ask_line (const char *prompt, GError **error);
