/* Replies of DNS about relays, friendly and hostile. */

#include <string.h>

#include <glib.h>

#include "smtp/srv.h"

/* A reply as it comes: the question for _submissions._tcp.example.org, and
   records that are added. */
typedef struct
{
  GByteArray *octets;
  unsigned records;
} Reply;

static void
add_name (GByteArray *octets, const char *name, size_t length)
{
  const char *end = name + length;

  while (name < end)
    {
      const char *dot = memchr (name, '.', (size_t) (end - name));
      guint8 size = (guint8) ((dot != NULL ? dot : end) - name);

      g_byte_array_append (octets, &size, 1);
      g_byte_array_append (octets, (const guint8 *) name, size);
      name += size + 1;
    }
  g_byte_array_append (octets, (const guint8 *) "", 1);
}

static void
reply_begin (Reply *reply)
{
  static const guint8 head[] = { 1, 2, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0 };
  static const guint8 kind[] = { 0, 33, 0, 1 };

  reply->octets = g_byte_array_new ();
  reply->records = 0;
  g_byte_array_append (reply->octets, head, sizeof head);
  add_name (reply->octets, "_submissions._tcp.example.org", 29);
  g_byte_array_append (reply->octets, kind, sizeof kind);
}

#define HIGH(number) (guint8) ((number) >> 8)
#define LOW(number) (guint8) ((number) & 0xff)

static void
reply_add (Reply *reply, unsigned priority, unsigned weight, unsigned port,
           const char *target, size_t length)
{
  g_autoptr (GByteArray) name = g_byte_array_new ();
  unsigned size;

  add_name (name, target, length);
  size = name->len + 6;
  {
    const guint8 head[]
        = { 0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, HIGH (size), LOW (size),
            HIGH (priority), LOW (priority), HIGH (weight), LOW (weight),
            HIGH (port), LOW (port) };

    g_byte_array_append (reply->octets, head, sizeof head);
  }
  g_byte_array_append (reply->octets, name->data, name->len);
  reply->records++;
}

static SrvResult
reply_read (Reply *reply, SrvTarget *target)
{
  SrvResult result;

  reply->octets->data[6] = HIGH (reply->records);
  reply->octets->data[7] = LOW (reply->records);
  result = srv_read (reply->octets->data, reply->octets->len, target);
  return result;
}

static void
test_one (void)
{
  static const struct
  {
    unsigned port;
    const char *target;
    size_t length;
    SrvResult result;
  } cases[] = {
#define TARGET(text) text, sizeof (text) - 1
    { 465, TARGET ("smtp.example.org"), SRV_FOUND },
    { 587, TARGET ("SMTP.Example.ORG"), SRV_FOUND },
    { 465, TARGET ("xn--mail-0ra.example"), SRV_FOUND },
    { 465, TARGET (""), SRV_REFUSED },
    { 0, TARGET (""), SRV_REFUSED },
    { 25, TARGET ("smtp.example.org"), SRV_UNUSABLE },
    { 0, TARGET ("smtp.example.org"), SRV_UNUSABLE },
    { 465, TARGET ("smtp\n.example.org"), SRV_UNUSABLE },
    { 465, TARGET ("smtp\0.example.org"), SRV_UNUSABLE },
    { 465, TARGET ("\033[2J.example.org"), SRV_UNUSABLE },
    { 465, TARGET ("smtp example.org"), SRV_UNUSABLE },
    { 465, TARGET ("\303\244.example.org"), SRV_UNUSABLE },
    { 465, TARGET ("a\\b.example.org"), SRV_UNUSABLE },
    { 465, TARGET ("[.example.org"), SRV_UNUSABLE },
    { 465, TARGET ("%h.example.org"), SRV_UNUSABLE },
    { 465, TARGET ("192.0.2.1"), SRV_UNUSABLE },
    { 465, TARGET ("localhost"), SRV_UNUSABLE },
    { 465, TARGET ("-.example.org"), SRV_UNUSABLE },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      SrvTarget target;
      Reply reply;

      g_test_message ("%zu: %s", i, cases[i].target);
      reply_begin (&reply);
      reply_add (&reply, 0, 1, cases[i].port, cases[i].target,
                 cases[i].length);
      g_assert_cmpint (reply_read (&reply, &target), ==, cases[i].result);
      if (cases[i].result == SRV_FOUND)
        {
          g_autofree char *folded = g_ascii_strdown (cases[i].target, -1);

          g_assert_cmpstr (target.host, ==, folded);
          g_assert_cmpuint (target.port, ==, cases[i].port);
        }
      else
        g_assert_null (target.host);
      srv_target_clear (&target);
      g_byte_array_unref (reply.octets);
    }
}

static void
test_choice (void)
{
  SrvTarget target;
  Reply reply;

  reply_begin (&reply);
  g_assert_cmpint (reply_read (&reply, &target), ==, SRV_ABSENT);
  reply_add (&reply, 10, 99, 465, TARGET ("late.example.org"));
  reply_add (&reply, 5, 1, 465, TARGET ("light.example.org"));
  reply_add (&reply, 5, 7, 4650, TARGET ("heavy.example.org"));
  reply_add (&reply, 5, 7, 465, TARGET ("next.example.org"));
  reply_add (&reply, 0, 9, 25, TARGET ("relay.example.org"));
  reply_add (&reply, 0, 9, 465, TARGET (""));
  g_assert_cmpint (reply_read (&reply, &target), ==, SRV_FOUND);
  g_assert_cmpstr (target.host, ==, "heavy.example.org");
  g_assert_cmpuint (target.port, ==, 4650);
  srv_target_clear (&target);
  g_byte_array_unref (reply.octets);
}

static void
test_thousand (void)
{
  SrvTarget target;
  Reply reply;

  reply_begin (&reply);
  for (unsigned i = 0; i < 1000; i++)
    {
      g_autofree char *name = g_strdup_printf ("h%u.example.org", i);

      reply_add (&reply, 2000 - i, 0, 465, name, strlen (name));
    }
  g_assert_cmpint (reply_read (&reply, &target), ==, SRV_FOUND);
  g_assert_cmpstr (target.host, ==, "h999.example.org");
  srv_target_clear (&target);
  g_byte_array_unref (reply.octets);
}

/* Of any length, each in memory of its own, so that a sanitizer sees a read past
   its end. */
static void
test_torn (void)
{
  Reply reply;

  reply_begin (&reply);
  reply_add (&reply, 0, 1, 465, TARGET ("smtp.example.org"));
  for (guint length = 0; length < reply.octets->len; length++)
    {
      g_autofree guint8 *torn = g_memdup2 (reply.octets->data, length);
      SrvTarget target;

      if (length > 7)
        torn[7] = 1;
      g_assert_cmpint (srv_read (torn, length, &target), ==, SRV_TROUBLE);
      g_assert_null (target.host);
    }
  g_byte_array_unref (reply.octets);
}

/* A name that points to itself, and one that points past the end. */
static void
test_pointers (void)
{
  Reply reply;
  SrvTarget target;

  for (unsigned to = 0; to < 0x4000; to += 0x3fff)
    {
      guint8 *last;

      reply_begin (&reply);
      reply_add (&reply, 0, 1, 465, TARGET ("x.y"));
      last = reply.octets->data + reply.octets->len - 2;
      if (to == 0)
        to = reply.octets->len - 2;
      last[0] = 0xc0 | HIGH (to);
      last[1] = LOW (to);
      g_assert_cmpint (reply_read (&reply, &target), ==, SRV_TROUBLE);
      g_byte_array_unref (reply.octets);
    }
}

static void
test_within (void)
{
  static const struct
  {
    const char *host;
    const char *domain;
    bool within;
  } cases[] = {
    { "smtp.example.org", "example.org", true },
    { "example.org", "example.org", true },
    { "a.b.EXAMPLE.org", "example.ORG", true },
    { "badexample.org", "example.org", false },
    { "example.org.evil.test", "example.org", false },
    { "evil.test", "example.org", false },
    { "org", "example.org", false },
    { "example.org", "mail.example.org", false },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (srv_is_within (cases[i].host, cases[i].domain), ==,
                     cases[i].within);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/srv/one", test_one);
  g_test_add_func ("/srv/choice", test_choice);
  g_test_add_func ("/srv/thousand", test_thousand);
  g_test_add_func ("/srv/torn", test_torn);
  g_test_add_func ("/srv/pointers", test_pointers);
  g_test_add_func ("/srv/within", test_within);
  return g_test_run ();
}
