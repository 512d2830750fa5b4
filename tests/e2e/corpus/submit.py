"""submit.py DIRECTORY SENDMAIL [ARGUMENT...]

Gives every message to that sendmail, with its number as the envelope identifier
(-V); what came back is in DIRECTORY/statuses, a line each: number, status, what
was printed.
"""
import concurrent.futures
import subprocess
import sys

import messages

LIMIT = 60  # seconds


def submit(command, number, case):
    done = subprocess.run([*command, '-mVc%d' % number, *case.arguments],
                          input=case.message, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=LIMIT)
    return '%d %d %s' % (number, done.returncode,
                         done.stdout.decode(errors='replace').split('\n')[0])


def main():
    directory, *command = sys.argv[1:]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        lines = pool.map(lambda item: submit(command, *item),
                         enumerate(messages.CASES))
        with open(directory + '/statuses', 'w') as file:
            file.writelines(line + '\n' for line in lines)


main()
