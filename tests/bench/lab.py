"""A network of its own, with a delay, and relays on its other side."""
import os
import shutil
import signal
import subprocess
import tempfile
import time

SOURCE = os.environ["G_TEST_SRCDIR"]
BUILD = os.environ["G_TEST_BUILDDIR"]
USER = "me@example.org"
PASSWORD = "the-password-of-me"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# Of relays: by `near' at once, by `far' after the delay.
LINKS = {"near": "10.77.0.2", "far": "10.78.0.2"}

# Places that are compiled into programs which cannot be installed here.
ROOMS = "/etc/dma", "/var/spool/dma", "/var/spool/smtpd", "/var/lib/opensmtpd"


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


def quiet(*command, **options):
    return run(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
               **options)


def await_file(path):
    until = time.monotonic() + 10
    while not (os.path.exists(path) and os.path.getsize(path)):
        if time.monotonic() > until:
            raise SystemExit(f"bench: there is no {path}")
        time.sleep(0.01)


class Lab:
    """The caller is in a network, mounts, and processes of its own already."""

    def __init__(self, delay_ms):
        self.delay_ms = delay_ms
        self.work = tempfile.mkdtemp(prefix="pb.", dir="/tmp")
        os.chmod(self.work, 0o755)
        self.started = []
        self.relays = {}
        self.rooms = set()
        self.home = f"{self.work}/home"
        os.makedirs(self.home)
        self.certificates = f"{self.work}/certificates"
        self.make_certificates()
        for path in ROOMS:
            self.room(path)
        self.keep_off_machine()
        self.connect()

    def make_certificates(self):
        """All relays show the same one."""
        quiet(f"{SOURCE}/tests/relay/certificates", self.certificates)
        for relay in "postfix", "exim", "dovecot":
            shutil.copytree(self.certificates,
                            f"{self.work}/{relay}/certificates")

    def place(self, name, content=None, mode=0o644):
        path = f"{self.work}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if content is not None:
            with open(path, "w") as file:
                file.write(content)
            os.chmod(path, mode)
        return path

    def over(self, path, content):
        """CONTENT instead of that file of the machine."""
        if os.path.exists(path):
            quiet("mount", "--bind",
                  self.place("over" + path, content), path)

    def room(self, path):
        """A directory that some program insists on; the machine's own is not
        touched."""
        parent = os.path.dirname(path)
        layers = [f"{self.work}/rooms{parent}/{name}" for name in ("up", "work")]
        for layer in layers:
            os.makedirs(layer, exist_ok=True)
        if parent not in self.rooms:
            try:
                quiet("mount", "-t", "overlay", "overlay", "-o",
                      f"lowerdir={parent},upperdir={layers[0]},"
                      f"workdir={layers[1]}", parent)
            except subprocess.CalledProcessError:
                return
        os.makedirs(path, exist_ok=True)
        os.makedirs(f"{self.work}/room{path}")
        quiet("mount", "--bind", f"{self.work}/room{path}", path)
        self.rooms |= {path, parent}

    def keep_off_machine(self):
        hosts = "127.0.0.1 localhost\n" + "".join(
            f"{address} {link}.postrider.test\n"
            for link, address in LINKS.items())
        self.over("/etc/hosts", hosts)
        self.over("/etc/resolv.conf", "nameserver 127.0.0.1\n"
                  "options timeout:1 attempts:1\n")
        # The system trusts that of the relays as well.
        with open(BUNDLE) as bundle, open(self.ca) as own:
            self.over(BUNDLE, bundle.read() + own.read())

    def keep(self, *command, **options):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
        self.started.append(process)
        return process

    def connect(self):
        other = self.keep("unshare", "--net", "sleep", "infinity")
        self.other = f"/proc/{other.pid}/ns/net"
        while os.readlink(self.other) == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)
        run("ip", "link", "set", "lo", "up")
        self.there("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "near", "type", "veth", "peer", "name", "near",
            "netns", str(other.pid))
        up = self.place("delay-up")
        self.keep(f"{BUILD}/tests/bench/delay", "/proc/self/ns/net", self.other,
                  "far", str(self.delay_ms * 500), stdout=open(up, "w"))
        await_file(up)
        for link, address in LINKS.items():
            here = address[:-1] + "1"
            run("ip", "address", "add", here + "/24", "dev", link)
            run("ip", "link", "set", link, "up", "txqueuelen", "10000")
            self.there("ip", "address", "add", address + "/24", "dev", link)
            self.there("ip", "link", "set", link, "up", "txqueuelen", "10000")
        # Nothing is learnt from one run for the next.
        for wrap in (), ("nsenter", f"--net={self.other}"):
            quiet(*wrap, "sh", "-c",
                  "echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save")

    def there(self, *command, **options):
        return run("nsenter", f"--net={self.other}", *command, **options)

    def scripted(self, *options):
        """Starts the scripted relay on the other side, and says its port."""
        port = self.place(f"port-{len(self.started)}")
        self.keep("nsenter", f"--net={self.other}",
                  f"{BUILD}/tests/relay/scripted-relay", "--port-file", port,
                  "--certificate",
                  f"{self.certificates}/good.pem", *options)
        await_file(port)
        with open(port) as file:
            return int(file.read())

    def start(self, name):
        """Starts one of the tests' relays, once. False: it cannot be had."""
        if name in self.relays:
            return self.relays[name] is not None
        directory = f"{self.work}/{name}"
        more = []
        if name == "dovecot":
            more = [str(self.scripted("--serve", "--open"))]
        environment = dict(os.environ, RELAY_LISTEN="0.0.0.0",
                           RELAY_PASSWORD=PASSWORD)
        try:
            self.there(f"{SOURCE}/tests/relay/{name}", "start", directory,
                       *more, env=environment)
        except subprocess.CalledProcessError:
            print(f"# {name} cannot be started, and is left out")
            self.relays[name] = None
            return False
        with open(f"{directory}/ports") as file:
            self.relays[name] = dict(
                line.strip().split("=") for line in file)
        return True

    def port(self, relay, name="tls"):
        return int(self.relays[relay][name])

    @property
    def ca(self):
        return f"{self.certificates}/ca.pem"

    def octets(self):
        """What has gone over the far link, in both directions."""
        with open("/proc/net/dev") as file:
            counters = next(line.split()[1:] for line in file
                            if line.split()[0] == "far:")
        return int(counters[0]) + int(counters[8])

    def end(self):
        for name, relay in self.relays.items():
            if relay is not None:
                quiet(f"{SOURCE}/tests/relay/{name}", "stop",
                      f"{self.work}/{name}")
        for process in reversed(self.started):
            process.send_signal(signal.SIGKILL)
            process.wait()
        subprocess.run(["umount", "-R", "-l", "/etc/hosts"],
                       stderr=subprocess.DEVNULL)
        shutil.rmtree(self.work, ignore_errors=True)
