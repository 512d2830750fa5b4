#include "smtp/unstuff.h"

enum
{
  LINE_START, /* nothing of the line was there yet */
  DOT,        /* only a dot, which is kept back */
  DOT_RETURN, /* the same and a CR */
  IN_LINE,
  RETURN, /* in a line, behind a CR */
  ENDED,
};

void
unstuff_start (Unstuff *unstuff, bool bare)
{
  *unstuff = (Unstuff){ bare, LINE_START, !bare };
}

/* C, which is no dot at the start of a line, goes into the content. */
static void
pass (Unstuff *unstuff, char c, GString *out)
{
  bool crlf = c == '\n' && unstuff->state == RETURN;

  g_string_append_c (out, c);
  if (crlf || (c == '\n' && unstuff->bare))
    {
      unstuff->state = LINE_START;
      unstuff->previous = crlf;
    }
  else
    unstuff->state = c == '\r' ? RETURN : IN_LINE;
}

/* C behind a dot at the start of a line. */
static void
pass_dot (Unstuff *unstuff, char c, GString *out)
{
  if (c == '\r')
    unstuff->state = DOT_RETURN;
  else if (c == '\n' && unstuff->bare)
    unstuff->state = ENDED;
  else
    pass (unstuff, c, out);
}

static void
pass_dot_return (Unstuff *unstuff, char c, GString *out)
{
  if (c == '\n' && unstuff->previous)
    {
      unstuff->state = ENDED;
      return;
    }
  g_string_append_c (out, '\r');
  unstuff->state = RETURN;
  pass (unstuff, c, out);
}

size_t
unstuff_feed (Unstuff *unstuff, const char *octets, size_t length,
              GString *out, bool *ended)
{
  size_t done = 0;

  while (done < length && unstuff->state != ENDED)
    {
      char c = octets[done++];

      if (unstuff->state == DOT)
        pass_dot (unstuff, c, out);
      else if (unstuff->state == DOT_RETURN)
        pass_dot_return (unstuff, c, out);
      else if (unstuff->state == LINE_START && c == '.')
        unstuff->state = DOT;
      else
        pass (unstuff, c, out);
    }
  *ended = unstuff->state == ENDED;
  return done;
}
