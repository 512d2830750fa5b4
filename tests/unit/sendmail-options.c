/* sendmail's command line, as callers write it, and what is made of it. */

#include <string.h>

#include <glib.h>

#include "account/account.h"
#include "base/failure.h"
#include "cli/sendmail-options.h"
#include "submit/submission.h"

typedef struct
{
  const char *line; /* words; a quote is two single ones */
  const char *text; /* what describe() says of it; NULL: refused */
} Case;

static char **
words (const char *line)
{
  g_autofree char *whole = g_strdup_printf ("sendmail %s", line);
  g_autoptr (GError) error = NULL;
  char **argv;

  if (!g_shell_parse_argv (whole, NULL, &argv, &error))
    g_error ("%s: %s", line, error->message);
  return argv;
}

static void
tell (GString *out, const char *name, const char *value)
{
  if (value != NULL)
    g_string_append_printf (out, " %s=%s", name, value);
}

static void
flag (GString *out, const char *name, bool value)
{
  if (value)
    g_string_append_printf (out, " %s", name);
}

/* All that is not as it is without options. */
static char *
describe (const SendmailOptions *options)
{
  static const char *const modes[]
      = { "send", "smtp", "verify", "list", "aliases",
          "flush", "help", "help-all", "version" };
  static const char *const deliveries[]
      = { [DELIVERY_INTERACTIVE] = "i", [DELIVERY_BACKGROUND] = "b",
          [DELIVERY_QUEUE] = "q" };
  GString *out = g_string_new (modes[options->mode]);

  flag (out, "t", options->header_recipients);
  flag (out, "i", options->ignore_dots);
  flag (out, "n", options->no_aliases);
  flag (out, "v", options->verbose);
  if (options->delivery != DELIVERY_OF_ACCOUNT)
    tell (out, "od", deliveries[options->delivery]);
  tell (out, "f", options->sender.reverse_path);
  tell (out, "F", options->sender.full_name);
  tell (out, "account", options->sender.account);
  tell (out, "C", options->accounts_file);
  tell (out, "L", options->tag);
  tell (out, "qI", options->queue_id);
  tell (out, "qR", options->queue_recipient);
  if (options->envelope->notify[0] != '\0')
    tell (out, "N", options->envelope->notify);
  if (options->envelope->ret[0] != '\0')
    tell (out, "R", options->envelope->ret);
  if (options->envelope->envid[0] != '\0')
    tell (out, "V", options->envelope->envid);
  for (char **p = options->operands; *p != NULL; p++)
    g_string_append_printf (out, " [%s]", *p);
  return g_string_free (out, FALSE);
}

static void
check (const Case *cases, size_t n, Mode mode)
{
  for (size_t i = 0; i < n; i++)
    {
      g_auto (GStrv) argv = words (cases[i].line);
      g_auto (SendmailOptions) options = { 0 };
      g_autoptr (GError) error = NULL;
      g_autofree char *text = NULL;
      bool taken = sendmail_options_parse (
          &options, mode, (int) g_strv_length (argv), argv, &error);

      g_test_message ("%s", cases[i].line);
      if (!taken)
        {
          g_test_message ("%s", error->message);
          g_assert_error (error, FAILURE, FAILURE_USAGE);
          g_assert_null (cases[i].text);
          continue;
        }
      text = describe (&options);
      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_obeyed (void)
{
  static const Case cases[] = {
    { "a@b", "send [a@b]" },
    { "-t", "send t" },
    { "-t a@b", "send t [a@b]" },
    { "-f x a", "send f=x [a]" },
    { "-fx a", "send f=x [a]" },
    { "-r x a", "send f=x [a]" },
    { "-f x -fy a", "send f=y [a]" },
    { "-fx -ry a", "send f=y [a]" },
    { "-f '' a", "send f= [a]" },
    { "-f '<>' a", "send f=<> [a]" },
    { "-f 'Me <me@x>' a", "send f=Me <me@x> [a]" },
    { "-f -t a", "send f=-t [a]" },
    { "-F 'A B' a", "send F=A B [a]" },
    { "-FCronDaemon a", "send F=CronDaemon [a]" },
    { "-i a", "send i [a]" },
    { "-oi a", "send i [a]" },
    { "-o i a", "send i [a]" },
    { "-oitrue a", "send i [a]" },
    { "-oifalse a", "send [a]" },
    { "-i -oiFalse a", "send [a]" },
    { "-OIgnoreDots a", "send i [a]" },
    { "-O ignoredots=True a", "send i [a]" },
    { "-O IgnoreDots=no a", "send [a]" },
    { "-ti", "send t i" },
    { "-it", "send t i" },
    { "-odi a", "send od=i [a]" },
    { "-odb a", "send od=b [a]" },
    { "-odq a", "send od=q [a]" },
    { "-o db a", "send od=b [a]" },
    { "-odb -odi a", "send od=i [a]" },
    { "-odbackground a", "send od=b [a]" },
    { "-O DeliveryMode=b a", "send od=b [a]" },
    { "-ODeliveryMode=interactive a", "send od=i [a]" },
    { "-O deliverymode=queue a", "send od=q [a]" },
    { "-v a", "send v od=i [a]" },
    { "-v -odq a", "send v od=q [a]" },
    { "-odb -v a", "send v od=b [a]" },
    { "-vv a", "send v od=i [a]" },
    { "-N never a", "send N=NEVER [a]" },
    { "-Nfailure,delay a", "send N=FAILURE,DELAY [a]" },
    { "-N success,delay,failure a", "send N=SUCCESS,FAILURE,DELAY [a]" },
    { "-R hdrs a", "send R=HDRS [a]" },
    { "-Rfull a", "send R=FULL [a]" },
    { "-V 00c0ffee a", "send V=00c0ffee [a]" },
    { "-V00c0ffee a", "send V=00c0ffee [a]" },
    { "-n a", "send n [a]" },
    { "-L job a", "send L=job [a]" },
    { "-Ljob a", "send L=job [a]" },
    { "-C /x a", "send C=/x [a]" },
    { "-C/x a", "send C=/x [a]" },
    { "--accounts-file=/x a", "send C=/x [a]" },
    { "--accounts-file /x a", "send C=/x [a]" },
    { "--account work a", "send account=work [a]" },
    { "-bm a", "send [a]" },
    { "-b m a", "send [a]" },
    { "-bs", "smtp" },
    { "-bs -i", "smtp i" },
    { "-bs -odb -oem -om", "smtp od=b" },
    { "-bv a", "verify [a]" },
    { "-bp", "list" },
    { "-b p", "list" },
    { "-bi", "aliases" },
    { "-I", "aliases" },
    { "-q", "flush" },
    { "-qf", "flush" },
    { "-qi", "flush" },
    { "-qIABC", "flush qI=ABC" },
    { "-qI ABC", "flush qI=ABC" },
    { "-qRx.example", "flush qR=x.example" },
    { "-qR x.example", "flush qR=x.example" },
    { "--help", "help" },
    { "--help-all", "help-all" },
    { "--version", "version" },
    { "-- a", "send [a]" },
    { "a -- b", NULL },
    { "a -f x", NULL },
    { "-t -- -x@y", NULL },
    { "''", "send []" },
  };

  check (cases, G_N_ELEMENTS (cases), MODE_SEND);
}

static void
test_ignored (void)
{
  static const Case cases[] = {
    { "-Ac a", "send [a]" },
    { "-A m a", "send [a]" },
    { "-B8BITMIME a", "send [a]" },
    { "-B 8BITMIME a", "send [a]" },
    { "-B7BIT a", "send [a]" },
    { "-c a", "send [a]" },
    { "-D /x a", "send [a]" },
    { "-D/x a", "send [a]" },
    { "-d a", "send [a]" },
    { "-d0-99.1 a", "send [a]" },
    { "-E a", "send [a]" },
    { "-em a", "send [a]" },
    { "-e m a", "send [a]" },
    { "-ee -eq -ep -ew a", "send [a]" },
    { "-oem a", "send [a]" },
    { "-oee -oeq -oep -oew a", "send [a]" },
    { "-G a", "send [a]" },
    { "-h 3 a", "send [a]" },
    { "-h3 a", "send [a]" },
    { "-J a", "send [a]" },
    { "-m a", "send [a]" },
    { "-om a", "send [a]" },
    { "-O Timeout.queuereturn=2d a", "send [a]" },
    { "-OLogLevel=9 a", "send [a]" },
    { "-O SMTPUTF8 a", "send [a]" },
    { "-oo a", "send [a]" },
    { "-oA/x a", "send [a]" },
    { "-or0s a", "send [a]" },
    { "-ov a", "send [a]" },
    { "-oQ/x a", "send [a]" },
    { "-oMrSMTP a", "send [a]" },
    { "-o7 -o8 -oT5d a", "send [a]" },
    { "-odf a", "send [a]" },
    { "-pNNTP:h a", "send [a]" },
    { "-p SMTP a", "send [a]" },
    { "-S a", "send [a]" },
    { "-s a", "send [a]" },
    { "-U a", "send [a]" },
    { "-X /x a", "send [a]" },
    { "-X/x a", "send [a]" },
    { "-x a", "send [a]" },
    { "-imtU a", "send t i [a]" },
    /* The value of -o is one word, as sendmail has it. */
    { "-od b", "send [b]" },
    { "-oMs x", "send [x]" },
    { "-oe m", "send [m]" },
  };

  check (cases, G_N_ELEMENTS (cases), MODE_SEND);
}

static void
test_refused (void)
{
  static const Case cases[] = {
    { "", NULL },
    { "-i", NULL },
    { "-f ''", NULL },
    { "-bd", NULL },
    { "-bD", NULL },
    { "-bh", NULL },
    { "-bH", NULL },
    { "-bt a", NULL },
    { "-bP", NULL },
    { "-bC", NULL },
    { "-ba", NULL },
    { "-bl", NULL },
    { "-bx a", NULL },
    { "-b x a", NULL },
    { "-bmx a", NULL },
    { "-bd -q15m", NULL },
    { "-q30m", NULL },
    { "-qSx", NULL },
    { "-qGx", NULL },
    { "-q a", NULL },
    { "-qIABC a", NULL },
    { "-O RequireTLS a", NULL },
    { "-O requiretls=yes a", NULL },
    { "-M id", NULL },
    { "-Mid", NULL },
    { "-Q reason a", NULL },
    { "-T 2d a", NULL },
    { "-T2d a", NULL },
    { "-W a", NULL },
    { "-a work a", NULL },
    { "-P a", NULL },
    { "-u x a", NULL },
    { "-z a", NULL },
    { "-tz", NULL },
    { "-\x01 a", NULL },
    { "-\xff a", NULL },
    { "--nothing a", NULL },
    { "--accounts-file", NULL },
    { "--help a", NULL },
    { "--help-all a", NULL },
    { "-t --help", NULL },
    { "--version a", NULL },
    { "-f", NULL },
    { "-F", NULL },
    { "-t -F", NULL },
    { "-N", NULL },
    { "-N sometimes a", NULL },
    { "-R some a", NULL },
    { "-V '' a", NULL },
    { "-o", NULL },
    { "-O", NULL },
    { "-b", NULL },
    { "-e", NULL },
    { "-X", NULL },
    { "-L", NULL },
    { "-qI", NULL },
    { "-qR", NULL },
  };

  check (cases, G_N_ELEMENTS (cases), MODE_SEND);
}

static void
test_names (void)
{
  static const Case cases[] = {
    { "", "aliases" },
    { "-v", "aliases v od=i" },
    { "-oA/etc/aliases", "aliases" },
    { "-bp", "list" },
    { "x", "aliases [x]" },
    { "-z", NULL },
  };

  check (cases, G_N_ELEMENTS (cases), MODE_ALIASES);
}

static void
test_controls (void)
{
  static const char *const bad[] = { "a@b\nRCPT TO:<x@y>", "a\rb", "\x7f", "\t" };

  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    for (int sender = 0; sender < 2; sender++)
      {
        char *argv[] = { (char *) "sendmail", (char *) "-f",
                         (char *) (sender ? bad[i] : "x"),
                         (char *) (sender ? "x" : bad[i]), NULL };
        g_auto (SendmailOptions) options = { 0 };
        g_autoptr (GError) error = NULL;

        g_assert_false (
            sendmail_options_parse (&options, MODE_SEND, 4, argv, &error));
        g_assert_error (error, FAILURE, FAILURE_DATA);
      }
}

/* A refusal names the option and what to do, on one line. */
static void
test_words (void)
{
  static const char *const lines[]
      = { "-bd", "-q5m", "-M x", "-T 1d", "-W", "-a x", "-O RequireTLS" };

  for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_auto (GStrv) argv = words (lines[i]);
      g_auto (SendmailOptions) options = { 0 };
      g_autoptr (GError) error = NULL;
      g_autofree char *begin
          = g_strdup_printf ("option %.2s", lines[i]);

      g_assert_false (sendmail_options_parse (
          &options, MODE_SEND, (int) g_strv_length (argv), argv, &error));
      g_assert_true (g_str_has_prefix (error->message, begin));
      g_assert_nonnull (strstr (error->message, " is refused: "));
      g_assert_null (strchr (error->message, '\n'));
    }
}

static void
test_help (void)
{
  g_autofree char *help = sendmail_options_help ();
  const char *ignored = strstr (help, "\nAccepted and ignored:\n");
  const char *refused = strstr (help, "\nRefused, ");
  g_auto (GStrv) lines = g_strsplit (help, "\n", -1);

  g_assert_nonnull (ignored);
  g_assert_nonnull (refused);
  g_assert_true (strstr (help, "\n  -t ") < ignored);
  g_assert_true (strstr (help, "\n  -B TYPE ") > ignored);
  g_assert_true (strstr (help, "\n  -B TYPE ") < refused);
  g_assert_true (strstr (help, "\n  -bd ") > refused);
  for (char **line = lines; *line != NULL; line++)
    g_assert_cmpint (strlen (*line), <=, 80);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sendmail-options/obeyed", test_obeyed);
  g_test_add_func ("/sendmail-options/ignored", test_ignored);
  g_test_add_func ("/sendmail-options/refused", test_refused);
  g_test_add_func ("/sendmail-options/names", test_names);
  g_test_add_func ("/sendmail-options/controls", test_controls);
  g_test_add_func ("/sendmail-options/words", test_words);
  g_test_add_func ("/sendmail-options/help", test_help);
  return g_test_run ();
}
