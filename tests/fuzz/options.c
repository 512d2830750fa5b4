/* Any octets as sendmail's command line: its arguments end in NUL. What is made of
 * it is made of it a second time as well, and holds what it promises. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "base/failure.h"
#include "cli/sendmail-options.h"

#define ARGUMENTS_MAXIMUM 100
#define ERROR_MAXIMUM 500

static void
check_same (const SendmailOptions *a, const SendmailOptions *b)
{
  g_assert (a->mode == b->mode);
  g_assert (a->delivery == b->delivery);
  g_assert (a->header_recipients == b->header_recipients);
  g_assert (a->ignore_dots == b->ignore_dots);
  g_assert (a->no_aliases == b->no_aliases);
  g_assert (a->verbose == b->verbose);
  g_assert (a->operands == b->operands);
  g_assert (a->sender.reverse_path == b->sender.reverse_path);
  g_assert (a->sender.full_name == b->sender.full_name);
  g_assert (a->sender.account == b->sender.account);
  g_assert (a->accounts_file == b->accounts_file);
  g_assert (a->tag == b->tag);
  g_assert (a->queue_id == b->queue_id);
  g_assert (a->queue_recipient == b->queue_recipient);
  g_assert_cmpstr (a->envelope->notify, ==, b->envelope->notify);
  g_assert_cmpstr (a->envelope->ret, ==, b->envelope->ret);
  g_assert_cmpstr (a->envelope->envid, ==, b->envelope->envid);
}

static void
check_harmless (const SendmailOptions *options)
{
  g_assert (options->mode < N_MODES);
  g_assert (options->mode != MODE_SEND || options->header_recipients
            || options->operands[0] != NULL);
  for (char **p = options->operands; *p != NULL; p++)
    {
      g_assert ((*p)[0] != '-');
      for (const char *c = *p; *c != '\0'; c++)
        g_assert (!g_ascii_iscntrl (*c));
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *octets = g_malloc0 (size + 1);
  char *argv[ARGUMENTS_MAXIMUM + 2] = { (char *) "sendmail" };
  g_auto (SendmailOptions) options = { 0 };
  g_auto (SendmailOptions) again = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) same = NULL;
  int argc = 1;
  bool taken;

  if (size > 0)
    memcpy (octets, data, size);
  for (size_t i = 0; i < size && argc <= ARGUMENTS_MAXIMUM;
       i += strlen (octets + i) + 1)
    argv[argc++] = octets + i;
  taken = sendmail_options_parse (&options, MODE_SEND, argc, argv, &error);
  g_assert (taken == (error == NULL));
  g_assert (taken || error->domain == FAILURE);
  if (!taken)
    check_shown (error->message, ERROR_MAXIMUM);
  g_assert (sendmail_options_parse (&again, MODE_SEND, argc, argv, &same)
            == taken);
  check_same (&options, &again);
  if (taken)
    check_harmless (&options);
  else
    g_assert_cmpstr (error->message, ==, same->message);
  return 0;
}
