/* Any octets as a command line: what is understood of it can be queued, and said
 * to a relay. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <glib.h>

#include "mail/address.h"
#include "smtp/command.h"
#include "smtp/request.h"

static void
check_text (const char *text, bool utf8, bool blanks)
{
  g_assert (utf8 || g_str_is_ascii (text));
  g_assert (g_utf8_validate (text, -1, NULL));
  for (const char *p = text; *p != '\0'; p++)
    g_assert (!g_ascii_iscntrl (*p) && (blanks || *p != ' '));
}

static void
check_refusal (const char *refusal)
{
  g_assert (strlen (refusal) > strlen ("500 5.5.0 ") && refusal[0] == '5');
  check_shown (refusal, 510);
}

static void
check_mail (const char *argument)
{
  g_autoptr (Envelope) envelope = envelope_new ();
  MailParameters parameters;
  const char *refusal = request_mail (argument, envelope, &parameters);

  if (refusal != NULL)
    {
      check_refusal (refusal);
      return;
    }
  check_text (envelope->reverse_path, parameters.utf8, true);
  check_shown (envelope->reverse_path, PATH_MAXIMUM);
  check_text (envelope->envid, false, true);
  g_assert (strlen (envelope->reverse_path) <= PATH_MAXIMUM);
}

static void
check_rcpt (const char *argument, bool utf8)
{
  g_autoptr (Envelope) envelope = envelope_new ();
  const char *refusal = request_rcpt (argument, utf8, envelope);
  g_autofree char *line = NULL;

  g_assert (envelope->forward_paths->len == (refusal == NULL));
  if (refusal != NULL)
    {
      check_refusal (refusal);
      return;
    }
  check_text (envelope->forward_paths->pdata[0], utf8, true);
  check_shown (envelope->forward_paths->pdata[0], PATH_MAXIMUM);
  check_text (envelope_wish (envelope, 0)->notify, false, false);
  check_text (envelope_wish (envelope, 0)->orcpt, utf8, false);
  line = command_rcpt ("a@example.org", envelope, 0,
                       &(Extensions){ .dsn = true });
  check_text (line, false, true);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *line = g_strndup ((const char *) data, size);
  g_autofree char *copy = g_strdup (line);
  const char *verb, *argument;

  request_split (copy, &verb, &argument);
  check_mail (argument);
  check_rcpt (argument, false);
  check_rcpt (argument, true);
  return 0;
}
