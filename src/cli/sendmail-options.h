/* sendmail-options.h - the command line of sendmail(8) as its callers write it:
 * what is obeyed, what is accepted and ignored, and what is refused.
 *
 * One table says so to the parser, to --help, and to the manual page. Nothing is
 * read or opened here, so whoever gets a wrong command line still has his
 * message.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "mail/envelope.h"
#include "submit/sender.h"

typedef enum
{
  MODE_SEND,    /* -bm: a message on stdin */
  MODE_SMTP,    /* -bs: SMTP on stdin and stdout */
  MODE_VERIFY,  /* -bv: where a recipient's mail goes */
  MODE_LIST,    /* -bp, mailq: the queue */
  MODE_ALIASES, /* -bi, -I, newaliases: the aliases file */
  MODE_FLUSH,   /* -q: what waits */
  MODE_HELP,
  MODE_HELP_ALL,
  MODE_VERSION,
  N_MODES,
} Mode;

/* All texts are borrowed of argv. */
typedef struct
{
  Mode mode;
  SenderRequest sender;      /* -f, -F, --account */
  const char *accounts_file; /* -C; NULL: the usual ones */
  const char *tag;           /* -L; NULL: none */
  bool header_recipients;    /* -t */
  bool ignore_dots;          /* -i */
  bool no_aliases;           /* -n */
  bool verbose;              /* -v */
  int delivery; /* -odX, a Delivery or DELIVERY_OF_ACCOUNT; -v waits, unless -od
                   was given */
  const char *queue_id;        /* -qI: only what has this in its identifier */
  const char *queue_recipient; /* -qR: or this in the address of a recipient */
  Envelope *envelope;          /* -N, -R, -V; and nothing else */
  char **operands;             /* behind the options; ended by NULL */
} SendmailOptions;

/* Frees what is not borrowed. */
void sendmail_options_clear (SendmailOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SendmailOptions, sendmail_options_clear)

/* Reads ARGV into OPTIONS, for a program that has MODE by its name.
 * FAILURE_USAGE; FAILURE_DATA where an address has a control character. Also on
 * failure OPTIONS is to be cleared, and accounts_file and tag hold as far as they
 * were read. */
bool sendmail_options_parse (SendmailOptions *options, Mode mode, int argc,
                             char **argv, GError **error);

/* For --help-all, and for --help. The caller owns it. */
char *sendmail_options_help (void);
char *sendmail_options_help_usual (void);
