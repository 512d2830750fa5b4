"""Runs a command on a terminal, feeds it, and sees what the terminal shows.

  progress.py [OPTION]... SHOWN SCREEN COMMAND...

The bytes that were shown go to the file SHOWN, what stands on the screen in the end
to SCREEN. The exit status is the command's, or 128 + the signal.
  --columns N      of the terminal; else 80
  --feed FILE      stdin is a pipe: 2 MiB of FILE, and the rest after the first --see
  --see REGEX      wait until that is shown, behind what was seen before; again and
                   again
  --narrow N       after the first of them the terminal has N columns
  --signal NAME    after the last of them, to the command, before the rest is fed
"""
import argparse
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import threading
import time

PATIENCE = 20


def resize (fd, columns):
  fcntl.ioctl (fd, termios.TIOCSWINSZ, struct.pack ("HHHH", 24, columns, 0, 0))


def screen (shown):
  """The lines that a terminal has in the end: it knows CR, LF, and how to clear."""
  lines, column = [""], 0
  for part in re.findall (r"\x1b\[K|\r|\n|[^\x1b\r\n]+|\x1b", shown):
    if part == "\r":
      column = 0
    elif part == "\n":
      lines.append ("")
      column = 0
    elif part == "\x1b[K":
      lines[-1] = lines[-1][:column]
    else:
      lines[-1] = lines[-1][:column] + part + lines[-1][column + len (part):]
      column += len (part)
  return "\n".join (lines)


class Shown:
  def __init__ (self, fd):
    self.fd, self.octets, self.seen = fd, b"", 0

  def read (self, patience):
    if not select.select ([self.fd], [], [], patience)[0]:
      return True
    try:
      got = os.read (self.fd, 65536)
    except OSError:
      got = b""
    self.octets += got
    return got != b""

  def await_match (self, regex):
    until = time.monotonic () + PATIENCE
    while time.monotonic () < until:
      found = re.compile (regex.encode ()).search (self.octets, self.seen)
      if found:
        self.seen = found.end ()
        return
      if not self.read (0.2):
        break
    sys.stderr.write ("never shown: " + regex + "\n")


def feed (fd, octets):
  try:
    while octets:
      octets = octets[os.write (fd, octets[:65536]):]
  except BrokenPipeError:
    pass


def main ():
  parser = argparse.ArgumentParser ()
  parser.add_argument ("--columns", type=int, default=80)
  parser.add_argument ("--narrow", type=int)
  parser.add_argument ("--feed")
  parser.add_argument ("--see", action="append", default=[])
  parser.add_argument ("--signal")
  parser.add_argument ("shown")
  parser.add_argument ("screen")
  parser.add_argument ("command", nargs=argparse.REMAINDER)
  args = parser.parse_args ()
  source, sink = os.pipe () if args.feed else (None, None)
  stdin = os.dup (0)
  child, terminal = pty.fork ()
  if child == 0:
    os.dup2 (source if args.feed else stdin, 0)
    if args.feed:
      os.close (sink)
    resize (2, args.columns)
    os.execvp (args.command[0], args.command)
  shown = Shown (terminal)
  rest = b""
  if args.feed:
    os.close (source)
    rest = open (args.feed, "rb").read ()
    writer = threading.Thread (target=feed, args=(sink, rest[:2 << 20]))
    rest = rest[2 << 20:]
    writer.start ()
  for number, regex in enumerate (args.see):
    shown.await_match (regex)
    if number == 0 and args.narrow:
      resize (terminal, args.narrow)
    if number == len (args.see) - 1 and args.signal:
      os.kill (child, getattr (signal, "SIG" + args.signal))
    if number == 0 and args.feed:
      writer.join ()
      threading.Thread (target=lambda: (feed (sink, rest), os.close (sink))).start ()
  while shown.read (60):
    pass
  status = os.waitpid (child, 0)[1]
  text = shown.octets.decode ("utf-8", "replace")
  open (args.shown, "w", encoding="utf-8", newline="").write (text)
  open (args.screen, "w", encoding="utf-8").write (screen (text))
  os._exit (os.WEXITSTATUS (status) if os.WIFEXITED (status)
            else 128 + os.WTERMSIG (status))


main ()
