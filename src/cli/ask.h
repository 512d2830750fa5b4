/* ask.h - questions to the person at the terminal.
 *
 * Ctrl-C at any of them ends the process; FAILURE_TEMPORARY where nothing more
 * will be typed, FAILURE_IO where there is no terminal.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What is typed, without blanks at its ends; nothing is PROPOSAL (nullable),
 * and where there is none the question is asked again. The caller owns it. */
char *ask_text (const char *question, const char *proposal, GError **error);

/* The same, and nothing is "". */
char *ask_optional (const char *question, GError **error);

/* *ANSWER is yes or no; nothing is PROPOSAL. False: there is none. */
bool ask_yes_or_no (const char *question, bool proposal, bool *answer,
                    GError **error);

/* Says TEXT, of whole sentences, on standard output, in lines that fit. */
void ask_tell (const char *text);

/* The same for the message of a GError. */
void ask_tell_error (const char *message);
