#include "cli/sendmail-options.h"

#include <string.h>

#include <glib/gi18n.h>

#include "account/account.h"
#include "base/failure.h"
#include "base/text.h"
#include "cli/options.h"
#include "submit/submission.h"

/* A function for an option that does nothing but this. */
#define TAKES(name, statement)                                                \
  static bool take_##name (void *target, const char *argument,                \
                           GError **error)                                    \
  {                                                                           \
    SendmailOptions *options = target;                                        \
                                                                              \
    statement;                                                                \
    return true;                                                              \
  }

TAKES (odi, options->delivery = DELIVERY_INTERACTIVE)
TAKES (odb, options->delivery = DELIVERY_BACKGROUND)
TAKES (odq, options->delivery = DELIVERY_QUEUE)
TAKES (bm, options->mode = MODE_SEND)
TAKES (bs, options->mode = MODE_SMTP)
TAKES (bv, options->mode = MODE_VERIFY)
TAKES (bp, options->mode = MODE_LIST)
TAKES (bi, options->mode = MODE_ALIASES)
TAKES (q, options->mode = MODE_FLUSH)
TAKES (qI, options->mode = MODE_FLUSH; options->queue_id = argument)
TAKES (qR, options->mode = MODE_FLUSH; options->queue_recipient = argument)
TAKES (help, options->mode = MODE_HELP)
TAKES (help_all, options->mode = MODE_HELP_ALL)
TAKES (version, options->mode = MODE_VERSION)

/* As sendmail has it, of whose value of an option only the beginning counts.
 */
static bool
take_truth (void *target, const char *argument, GError **error)
{
  if (argument[0] == '=')
    argument++;
  ((SendmailOptions *) target)->ignore_dots =
      argument[0] == '\0' || strchr ("tTyY", argument[0]) != NULL;
  return true;
}

static bool
take_N (void *target, const char *argument, GError **error)
{
  return envelope_set_notify (((SendmailOptions *) target)->envelope, argument,
                              error);
}

static bool
take_R (void *target, const char *argument, GError **error)
{
  return envelope_set_ret (((SendmailOptions *) target)->envelope, argument,
                           error);
}

static bool
take_V (void *target, const char *argument, GError **error)
{
  return envelope_set_envid (((SendmailOptions *) target)->envelope, argument,
                             error);
}

/* The whole of it, in the order of the manual: a row of a letter's values
   stands before that of the letter. */
static const Option table[] = {
  { 't', NULL, ARGUMENT_NONE, OPTION_SETS (SendmailOptions, header_recipients),
    .help = N_ ("take the recipients from To, Cc and Bcc, in addition to "
                "those on the command line"),
    .usual = true },
  { 'f', NULL, ARGUMENT_REQUIRED, NULL, N_ ("ADDRESS"),
    OPTION_KEEPS (SendmailOptions, sender.reverse_path),
    .help = N_ ("the sender's address; <> is the null sender, whom no "
                "notification is sent to"),
    .usual = true },
  { 'r', NULL, ARGUMENT_REQUIRED, NULL, N_ ("ADDRESS"),
    OPTION_KEEPS (SendmailOptions, sender.reverse_path),
    .help = N_ ("the same as -f") },
  { 'F', NULL, ARGUMENT_REQUIRED, NULL, N_ ("NAME"),
    OPTION_KEEPS (SendmailOptions, sender.full_name),
    .help = N_ ("the sender's full name, where From is missing"),
    .usual = true },
  { 'i', NULL, ARGUMENT_NONE, OPTION_SETS (SendmailOptions, ignore_dots),
    .help = N_ ("a line with a lone dot does not end the message, even on a "
                "terminal"),
    .usual = true },
  { 'o', NULL, ARGUMENT_ATTACHED, take_truth, NULL,
    .help = N_ ("the same as -i"), .value = "i" },
  { 'O', NULL, ARGUMENT_ATTACHED, take_truth, NULL,
    .help = N_ ("the same as -i"), .value = "IgnoreDots", .fold = true },
  { 'o', NULL, ARGUMENT_ATTACHED, take_odi, NULL,
    .help = N_ ("wait for the relay's answer to the first attempt"),
    .value = "di" },
  { 'o', NULL, ARGUMENT_ATTACHED, take_odb, NULL,
    .help = N_ ("wait only until the message is queued; it is sent at once, "
                "in the background"),
    .value = "db", .usual = true },
  { 'o', NULL, ARGUMENT_ATTACHED, take_odq, NULL,
    .help = N_ ("wait only until the message is queued, and start nobody to "
                "send it"),
    .value = "dq" },
  { 'O', NULL, ARGUMENT_ATTACHED, take_odi, NULL,
    .help = N_ ("the same as -odi"), .value = "DeliveryMode=i", .fold = true },
  { 'O', NULL, ARGUMENT_ATTACHED, take_odb, NULL,
    .help = N_ ("the same as -odb"), .value = "DeliveryMode=b", .fold = true },
  { 'O', NULL, ARGUMENT_ATTACHED, take_odq, NULL,
    .help = N_ ("the same as -odq"), .value = "DeliveryMode=q", .fold = true },
  { 'v', NULL, ARGUMENT_NONE, OPTION_SETS (SendmailOptions, verbose),
    .help = N_ ("show the conversation with the relay on standard error, "
                "without its secrets; as -odi, unless another -od is given"),
    .usual = true },
  { 'N', NULL, ARGUMENT_REQUIRED, take_N, N_ ("CONDITIONS"),
    .help = N_ ("when to notify: never, or of success,failure,delay") },
  { 'R', NULL, ARGUMENT_REQUIRED, take_R, N_ ("full|hdrs"),
    .help = N_ ("how much of the message a notification returns") },
  { 'V', NULL, ARGUMENT_REQUIRED, take_V, N_ ("ID"),
    .help = N_ ("the envelope identifier that a notification returns") },
  { 'n', NULL, ARGUMENT_NONE, OPTION_SETS (SendmailOptions, no_aliases),
    .help = N_ ("look for no recipient in the aliases file") },
  { 'L', NULL, ARGUMENT_REQUIRED, NULL, N_ ("TAG"),
    OPTION_KEEPS (SendmailOptions, tag),
    .help = N_ ("write the log under this name") },
  { 'C', "accounts-file", ARGUMENT_REQUIRED, NULL, N_ ("FILE"),
    OPTION_KEEPS (SendmailOptions, accounts_file),
    .help = N_ ("read this accounts file and no other"), .usual = true },
  { 0, "account", ARGUMENT_REQUIRED, NULL, N_ ("ACCOUNT"),
    OPTION_KEEPS (SendmailOptions, sender.account),
    .help = N_ ("send through this account"), .usual = true },
  { 'b', NULL, ARGUMENT_NONE, take_bm, NULL,
    .help = N_ ("send a message, which is done anyway"), .value = "m" },
  { 'b', NULL, ARGUMENT_NONE, take_bs, NULL,
    .help = N_ ("speak SMTP on standard input and output"), .value = "s" },
  { 'b', NULL, ARGUMENT_NONE, take_bv, NULL,
    .help = N_ ("tell where mail for the recipients would go, and send "
                "nothing"),
    .value = "v", .usual = true },
  { 'b', NULL, ARGUMENT_NONE, take_bp, NULL,
    .help = N_ ("list the queue, as mailq does"), .value = "p" },
  { 'b', NULL, ARGUMENT_NONE, take_bi, NULL,
    .help = N_ ("check the aliases file, as newaliases does"), .value = "i" },
  { 'I', NULL, ARGUMENT_NONE, take_bi, NULL, .help = N_ ("the same as -bi") },
  { 'q', NULL, ARGUMENT_NONE, take_q, NULL,
    .help = N_ ("send no message but what waits in the queue, due or not"),
    .value = "" },
  { 'q', NULL, ARGUMENT_NONE, take_q, NULL, .help = N_ ("the same as -q"),
    .value = "f" },
  { 'q', NULL, ARGUMENT_NONE, take_q, NULL, .help = N_ ("the same as -q"),
    .value = "i" },
  { 'q', NULL, ARGUMENT_REQUIRED, take_qI, N_ ("ID"),
    .help = N_ ("the same, for messages that have ID in their identifier"),
    .value = "I" },
  { 'q', NULL, ARGUMENT_REQUIRED, take_qR, N_ ("TEXT"),
    .help = N_ ("the same, for messages that have TEXT in the address of a "
                "recipient"),
    .value = "R" },
  { 0, "help", ARGUMENT_NONE, take_help, NULL,
    .help = N_ ("show the usual options; only as the sole argument") },
  { 0, "help-all", ARGUMENT_NONE, take_help_all, NULL,
    .help = N_ ("show all, and what is ignored or refused; only as the sole "
                "argument"),
    .usual = true },
  { 0, "version", ARGUMENT_NONE, take_version, NULL,
    .help = N_ ("show the version; only as the sole argument") },

  { 'A', NULL, ARGUMENT_REQUIRED, NULL, N_ ("c|m"),
    .help = N_ ("which configuration of sendmail to use"),
    .group = OPTION_IGNORED },
  { 'B', NULL, ARGUMENT_REQUIRED, NULL, N_ ("TYPE"),
    .help = N_ ("7BIT or 8BITMIME: the body itself tells"),
    .group = OPTION_IGNORED },
  { 'c', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("leave mail in the queue where a connection is costly"),
    .group = OPTION_IGNORED },
  { 'D', NULL, ARGUMENT_REQUIRED, NULL, N_ ("FILE"),
    .help = N_ ("where to write what -d shows"), .group = OPTION_IGNORED },
  { 'd', NULL, ARGUMENT_ATTACHED, NULL, N_ ("LEVEL"),
    .help = N_ ("debugging: -v shows what happens"), .group = OPTION_IGNORED },
  { 'E', NULL, ARGUMENT_ATTACHED, NULL, N_ ("X"),
    .help = N_ ("has a meaning on other systems only"),
    .group = OPTION_IGNORED },
  { 'e', NULL, ARGUMENT_REQUIRED, NULL, N_ ("MODE"),
    .help = N_ ("how to tell errors: the exit status does, and standard "
                "error, and after status 0 a mail"),
    .group = OPTION_IGNORED },
  { 'o', NULL, ARGUMENT_ATTACHED, NULL, NULL, .help = N_ ("the same as -e"),
    .value = "e", .group = OPTION_IGNORED },
  { 'G', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("the message comes from a gateway"), .group = OPTION_IGNORED },
  { 'h', NULL, ARGUMENT_REQUIRED, NULL, N_ ("N"),
    .help = N_ ("how many systems the message has passed"),
    .group = OPTION_IGNORED },
  { 'J', NULL, ARGUMENT_ATTACHED, NULL, N_ ("X"),
    .help = N_ ("has a meaning on other systems only"),
    .group = OPTION_IGNORED },
  { 'm', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("send to the sender, too, where an alias names them: that is "
                "done anyway"),
    .group = OPTION_IGNORED },
  { 'O', NULL, ARGUMENT_ATTACHED, NULL, NULL,
    .help = N_ ("the way to the relay always has TLS, and on nobody beyond "
                "it can that be imposed"),
    .value = "RequireTLS", .fold = true, .group = OPTION_REFUSED },
  { 'O', NULL, ARGUMENT_REQUIRED, NULL, N_ ("NAME=VALUE"),
    .help = N_ ("all that have a long name, but those above"),
    .group = OPTION_IGNORED },
  { 'o', NULL, ARGUMENT_REQUIRED, NULL, N_ ("X"),
    .help = N_ ("all that have one letter, but those above; what belongs to "
                "the letter is attached to it"),
    .group = OPTION_IGNORED },
  { 'p', NULL, ARGUMENT_REQUIRED, NULL, N_ ("PROTOCOL"),
    .help = N_ ("how the message came here"), .group = OPTION_IGNORED },
  { 'S', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("has a meaning on other systems only"),
    .group = OPTION_IGNORED },
  { 's', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("remove a first line that begins with From and a blank: that "
                "is done anyway"),
    .group = OPTION_IGNORED },
  { 'U', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("the message comes from its author"),
    .group = OPTION_IGNORED },
  { 'X', NULL, ARGUMENT_REQUIRED, NULL, N_ ("FILE"),
    .help = N_ ("record the traffic: this file is not opened, -v shows it"),
    .group = OPTION_IGNORED },
  { 'x', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("has a meaning on other systems only"),
    .group = OPTION_IGNORED },

  { 'b', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("nothing listens for mail; -bs speaks SMTP on standard input"),
    .value = "d", .group = OPTION_REFUSED },
  { 'b', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("nothing listens for mail; -bs speaks SMTP on standard input"),
    .value = "D", .group = OPTION_REFUSED },
  { 'b', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("nothing listens for mail; -bs speaks SMTP on standard input"),
    .value = "l", .group = OPTION_REFUSED },
  { 'b', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("the ARPANET is gone; -bs speaks SMTP"), .value = "a",
    .group = OPTION_REFUSED },
  { 'b', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("`postrider queue' shows what relays said"), .value = "h",
    .group = OPTION_REFUSED },
  { 'b', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("`postrider queue' shows what relays said"), .value = "H",
    .group = OPTION_REFUSED },
  { 'b', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("-bv tells where mail for an address goes"), .value = "t",
    .group = OPTION_REFUSED },
  { 'b', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("`postrider queue' lists what waits"), .value = "P",
    .group = OPTION_REFUSED },
  { 'b', NULL, ARGUMENT_REQUIRED, NULL, N_ ("X"),
    .help = N_ ("there is no such mode; see --help for those that there are"),
    .group = OPTION_REFUSED },
  { 'q', NULL, ARGUMENT_ATTACHED, NULL, N_ ("X"),
    .help = N_ ("-q alone sends what waits, `postrider run' does so for "
                "ever, and `postrider queue retry' tries single messages"),
    .group = OPTION_REFUSED },
  { 'a', NULL, ARGUMENT_REQUIRED, NULL, N_ ("X"),
    .help = N_ ("--account names an account"), .group = OPTION_REFUSED },
  { 'M', NULL, ARGUMENT_REQUIRED, NULL, N_ ("X"),
    .help = N_ ("there are no macros, and `postrider queue' takes care of "
                "single messages"),
    .group = OPTION_REFUSED },
  { 'P', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("-bv tells where mail would go"), .group = OPTION_REFUSED },
  { 'Q', NULL, ARGUMENT_REQUIRED, NULL, N_ ("REASON"),
    .help = N_ ("-odq queues a message, and `postrider queue hold' holds it"),
    .group = OPTION_REFUSED },
  { 'T', NULL, ARGUMENT_REQUIRED, NULL, N_ ("TIME"),
    .help = N_ ("the setting `queue-lifetime' says how long a message waits"),
    .group = OPTION_REFUSED },
  { 'u', NULL, ARGUMENT_REQUIRED, NULL, N_ ("X"),
    .help = N_ ("the setting `user' of the account names who logs in"),
    .group = OPTION_REFUSED },
  { 'W', NULL, ARGUMENT_NONE, NULL, NULL,
    .help = N_ ("-odi waits for the relay's answer"),
    .group = OPTION_REFUSED },
  { 0 },
};

/* An operand that begins with '-' is more likely a slip, or worse, than an
   address; no relay of ours is asked about it. */
static bool
check_operands (const SendmailOptions *options, GError **error)
{
  for (char **p = options->operands; *p != NULL; p++)
    if ((*p)[0] == '-')
      {
        g_autofree char *told = text_printable (*p, strlen (*p), 200);

        g_set_error (error, FAILURE, FAILURE_USAGE,
                     _ ("%s is no recipient: options stand before the "
                        "recipients, and no address begins with a dash"),
                     told);
        return false;
      }
  if (options->mode == MODE_FLUSH && options->operands[0] != NULL)
    g_set_error (error, FAILURE, FAILURE_USAGE,
                 _ ("-q sends what waits, and takes no recipient"));
  else if (options->mode == MODE_SMTP && options->operands[0] != NULL)
    g_set_error (error, FAILURE, FAILURE_USAGE,
                 _ ("-bs speaks SMTP, and takes no recipient"));
  else if (options->mode == MODE_SEND && options->operands[0] == NULL
           && !options->header_recipients)
    g_set_error (error, FAILURE, FAILURE_USAGE,
                 _ ("no recipients: name them, or have them taken from the "
                    "message with -t"));
  else if (options->mode == MODE_VERIFY && options->operands[0] == NULL)
    g_set_error (error, FAILURE, FAILURE_USAGE,
                 _ ("-bv tells where mail for recipients would go: name them"));
  else
    return true;
  return false;
}

/* Whoever puts a line end into an address wants to speak with the relay. */
static bool
check_addresses (const SendmailOptions *options, GError **error)
{
  const char *sender = options->sender.reverse_path;

  for (char **p = options->operands; *p != NULL; p++)
    if (text_has_control (*p))
      {
        g_set_error (error, FAILURE, FAILURE_DATA,
                     _ ("a recipient contains a control character"));
        return false;
      }
  if (sender == NULL || !text_has_control (sender))
    return true;
  g_set_error (error, FAILURE, FAILURE_DATA,
               _ ("the sender's address contains a control character"));
  return false;
}

bool
sendmail_options_parse (SendmailOptions *options, Mode mode, int argc,
                        char **argv, GError **error)
{
  int first;

  *options = (SendmailOptions){ .mode = mode,
                                .delivery = DELIVERY_OF_ACCOUNT,
                                .envelope = envelope_new () };
  if (!options_parse (table, argc, argv, options, &first, error))
    return false;
  options->operands = argv + first;
  if (options->verbose && options->delivery == DELIVERY_OF_ACCOUNT)
    options->delivery = DELIVERY_INTERACTIVE;
  if ((options->mode == MODE_HELP || options->mode == MODE_HELP_ALL
       || options->mode == MODE_VERSION)
      && argc != 2)
    {
      g_set_error (error, FAILURE, FAILURE_USAGE,
                   _ ("--help and --version stand alone"));
      return false;
    }
  return check_operands (options, error) && check_addresses (options, error);
}

void
sendmail_options_clear (SendmailOptions *options)
{
  g_clear_pointer (&options->envelope, envelope_free);
}

char *
sendmail_options_help_usual (void)
{
  g_autofree char *usual = options_help_usual (table);

  return g_strdup_printf (
      _ ("Usage: sendmail [OPTION]... [RECIPIENT]...\n"
         "Sends the message on standard input through the relay of the "
         "sender's account.\n\n%s"),
      usual);
}

char *
sendmail_options_help (void)
{
  g_autofree char *obeyed = options_help_group (table, OPTION_OBEYED);
  g_autofree char *ignored = options_help_group (table, OPTION_IGNORED);
  g_autofree char *refused = options_help_group (table, OPTION_REFUSED);

  return g_strdup_printf (
      _ ("Usage: sendmail [OPTION]... [RECIPIENT]...\n"
         "Sends the message on standard input through the relay of the "
         "sender's account.\n\n%s\n"
         "Accepted and ignored:\n%s\n"
         "Refused, with exit status 64, before anything is read:\n%s"),
      obeyed, ignored, refused);
}
