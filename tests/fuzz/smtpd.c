/* Any octets from a client that speaks SMTP: every reply is one, a message has
 * recipients, and lines that end in CRLF. */

#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib.h>

#include "base/failure.h"
#include "base/log.h"
#include "cli/smtpd.h"

typedef struct
{
  int room; /* a directory */
  bool open;
  unsigned messages;
} Service;

static bool
open_service (void *data, uint64_t *maximum, GError **error)
{
  Service *service = data;

  g_assert (!service->open);
  service->open = true;
  *maximum = 2048;
  return true;
}

static void
close_service (void *data)
{
  Service *service = data;

  g_assert (service->open);
  service->open = false;
}

static bool
accept_recipient (void *data, const Envelope *envelope, GError **error)
{
  const char *path = envelope->forward_paths->pdata[0];

  g_assert (((Service *) data)->open && envelope->forward_paths->len == 1);
  if (path[0] != 'n')
    return true;
  g_set_error (error, FAILURE, FAILURE_NO_USER, "%s is nobody", path);
  return false;
}

static Spool *
open_spool (void *data)
{
  Service *service = data;

  g_assert (service->open);
  return spool_new (service->room, 0);
}

static Verdict
submit (void *data, Envelope *envelope, Message *message)
{
  Service *service = data;
  int status = (int) (spool_size (message->body) % 3);

  g_assert (service->open && envelope->forward_paths->len > 0);
  service->messages++;
  if (status == 0)
    return (Verdict){ EX_OK, g_strdup ("ID"), NULL };
  return (Verdict){ status == 1 ? EX_CONFIG : EX_TEMPFAIL,
                    status == 1 ? g_strdup ("ID") : NULL,
                    g_strdup (envelope->forward_paths->pdata[0]) };
}

static void
check_replies (const char *replies, size_t size)
{
  for (const char *p = replies; p < replies + size;)
    {
      const char *end = strstr (p, "\r\n");
      g_autofree char *line = NULL;

      g_assert (end != NULL && end - p >= 5 && end - p <= 510);
      g_assert (strspn (p, "2345") >= 1 && g_ascii_isdigit (p[1])
                && g_ascii_isdigit (p[2]) && strchr (" -", p[3]) != NULL);
      line = g_strndup (p, (size_t) (end - p));
      check_shown (line, 510);
      p = end + 2;
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  Service service = { .room = -1 };
  SmtpdService functions
      = { &service,         open_service, close_service,
          accept_recipient, open_spool,   submit };
  int in = memfd_create ("in", MFD_CLOEXEC);
  int out = memfd_create ("out", MFD_CLOEXEC);
  g_autofree char *replies = NULL;
  off_t length;
  int status;

  log_open ("none");
  g_assert (write (in, data, size) == (ssize_t) size);
  (void) lseek (in, 0, SEEK_SET);
  status = smtpd_run (in, out, &functions, NULL);
  g_assert (status == EX_OK || status == EX_DATAERR);
  g_assert (!service.open);
  length = lseek (out, 0, SEEK_END);
  replies = g_malloc0 ((size_t) length + 1);
  g_assert (pread (out, replies, (size_t) length, 0) == length);
  g_assert (g_str_has_prefix (replies, "220 "));
  check_replies (replies, (size_t) length);
  close (in);
  close (out);
  return 0;
}
