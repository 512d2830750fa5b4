/* fill - queues COUNT small messages of ACCOUNT, fast; with "delayed", such as
 * the relay has put off.
 *
 *   fill DIRECTORY ACCOUNT COUNT [delayed]
 *
 * They get numbers from 1, which stand in X-Number. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "base/log.h"
#include "mail/message.h"
#include "queue/queue.h"

/* In place of the C library's: what is measured later does not depend on it,
   and a hundred thousand syncs last for minutes. */
int
fsync (int fd)
{
  return 0;
}

int
fdatasync (int fd)
{
  return 0;
}

static void
need (const GError *error)
{
  if (error != NULL)
    errx (1, "%s", error->message);
}

static Message *
make_message (Queue *queue, unsigned number)
{
  g_autoptr (GError) error = NULL;
  Message *message;
  int fd = memfd_create ("message", MFD_CLOEXEC);

  if (fd < 0)
    err (1, "memfd_create");
  dprintf (fd,
           "From: Me <me@example.org>\nTo: you@example.net\n"
           "Date: Thu, 01 Oct 2026 12:00:00 +0000\n"
           "Message-ID: <%u@example.org>\nSubject: number %u\n"
           "X-Number: %u\n\n",
           number, number, number);
  for (int line = 0; line < 30; line++)
    dprintf (fd, "This is line %d of a message of the usual length.\n", line);
  lseek (fd, 0, SEEK_SET);
  message = message_read (fd, queue_spool (queue, 0), false, 0, &error);
  need (error);
  close (fd);
  return message;
}

static Entry *
enter (Queue *queue, const char *account, unsigned number)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Message) message = make_message (queue, number);
  g_autoptr (Envelope) envelope = envelope_new ();
  QueueRequest request = { .envelope = envelope, .account = account };
  Entry *entry;

  g_free (envelope->reverse_path);
  envelope->reverse_path = g_strdup ("me@example.org");
  envelope_add (envelope, "you@example.net");
  entry = queue_enter (queue, message, &request, &error);
  need (error);
  return entry;
}

/* Not yet: filling and measuring take longer than the first delay. */
static int64_t
soon (void)
{
  return g_get_real_time () / G_USEC_PER_SEC + 30 * 60;
}

static void
put_off (Entry *entry)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = entry_owed (entry, &owed);
  g_autoptr (GPtrArray) statuses =
      g_ptr_array_new_with_free_func ((GDestroyNotify) status_free);

  g_ptr_array_add (statuses, status_new_reply (STAGE_RCPT, 450,
                                               (EnhancedCode){ 4, 2, 1 },
                                               "450 4.2.1 not now"));
  entry_record_attempt (entry, soon (), &error);
  need (error);
  entry_record_statuses (entry, owed, statuses, &error);
  need (error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Queue) queue = NULL;
  unsigned count;

  if (argc < 4)
    errx (2, "usage: fill DIRECTORY ACCOUNT COUNT [delayed]");
  count = (unsigned) strtoul (argv[3], NULL, 10);
  log_open ("none");
  queue = queue_open (argv[1], &error);
  need (error);
  for (unsigned i = 1; i <= count; i++)
    {
      g_autoptr (Entry) entry = enter (queue, argv[2], i);

      if (argc > 4)
        put_off (entry);
    }
  return 0;
}
