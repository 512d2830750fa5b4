"""Programs that submit a message, each as its manual says: with TLS that is
verified, and PLAIN."""
import os
import shutil
import subprocess
import time

from lab import BUILD, BUNDLE, PASSWORD, USER

UNPACKED = os.path.realpath(
    os.environ.get("BENCH_PEERS", f"{BUILD}/../build/peers"))
FROM = USER


class Peer:
    """program: what has to be there. prepare writes what it reads, and says the
    command; before runs before each run."""
    name = program = version_of = None
    also = "-"
    environment = {}

    def __init__(self, lab):
        self.lab = lab

    def found(self):
        return shutil.which(self.program)

    def prepare(self, relay, link):
        raise NotImplementedError

    def before(self, relay, link):
        pass

    def host(self, link):
        return f"{link}.postrider.test"

    def place(self, relay, link, content, suffix=""):
        return self.lab.place(f"peers/{self.name}/{relay}-{link}{suffix}",
                              content, 0o600)

    def version(self):
        if self.version_of is None:
            return "?"
        said = subprocess.run(self.version_of, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        return (said.stdout + said.stderr).strip().split("\n")[0][:60]

    def package(self, name):
        """The version of a package that is not installed."""
        for file in os.listdir(UNPACKED):
            if file.startswith(name + "_"):
                return f"{name} {file.split('_')[1].replace('%3a', ':')}"
        return "?"


class Postrider(Peer):
    name = "postrider"
    trust = "file"
    settings = ""

    def __init__(self, lab):
        super().__init__(lab)
        # Another build: to compare with.
        self.program = os.environ.get("BENCH_PROGRAM", f"{BUILD}/postrider")
        self.version_of = [self.program, "--version"]

    def prepare(self, relay, link, recipient):
        base = f"{self.lab.work}/peers/{self.name}/{relay}-{link}"
        secret = self.place(relay, link, PASSWORD + "\n", "/secret")
        trust = (f"trust-file = {self.lab.ca}\n" if self.trust == "file" else "")
        self.place(
            relay, link,
            f"[postrider]\nstart-runner = no\nlog = {base}/log\n\n"
            f"[me]\nfrom = {FROM}\nhost = {self.host(link)}\n"
            f"port = {self.lab.port(relay)}\nuser = {USER}\nauth = plain\n"
            f"password-file = {secret}\n{trust}{self.settings}",
            "/config/postrider/accounts")
        sendmail = f"{base}/sendmail"
        if not os.path.lexists(sendmail):
            os.symlink(self.program, sendmail)
            os.makedirs(f"{base}/state", exist_ok=True)
        self.environment = dict(self.environment,
                                XDG_CONFIG_HOME=f"{base}/config",
                                XDG_STATE_HOME=f"{base}/state")
        return ["env", f"XDG_CONFIG_HOME={base}/config",
                f"XDG_STATE_HOME={base}/state", sendmail, "-f", FROM, recipient]


class PostriderSystemTrust(Postrider):
    name = "postrider-bundle"
    trust = "system"


class Msmtp(Peer):
    name = program = "msmtp"
    version_of = ["msmtp", "--version"]
    trust = None

    def prepare(self, relay, link, recipient):
        file = self.place(
            relay, link,
            f"defaults\ntls on\ntls_starttls off\n"
            f"tls_trust_file {self.trust or self.lab.ca}\n"
            f"auth plain\naccount default\nhost {self.host(link)}\n"
            f"port {self.lab.port(relay)}\nuser {USER}\npassword {PASSWORD}\n"
            f"from {FROM}\n")
        return ["msmtp", "-C", file, "--", recipient]


class MsmtpSystemTrust(Msmtp):
    name = "msmtp-bundle"
    trust = BUNDLE


class Curl(Peer):
    name = program = "curl"
    version_of = ["curl", "--version"]
    lines = ["--crlf"]
    trust = None

    def part(self, relay, link, recipient, file="-"):
        return [*self.lines, "--cacert", self.trust or self.lab.ca, "--url",
                f"smtps://{self.host(link)}:{self.lab.port(relay)}",
                "--login-options", "AUTH=PLAIN", "-u", f"{USER}:{PASSWORD}",
                "--mail-from", FROM, "--mail-rcpt", recipient, "-T", file]

    def prepare(self, relay, link, recipient):
        return ["curl", "-s", *self.part(relay, link, recipient)]


class CurlSystemTrust(Curl):
    name = "curl-bundle"
    trust = BUNDLE


class CurlRaw(Curl):
    name = "curl-raw"
    lines = []


class Swaks(Peer):
    name = program = "swaks"
    version_of = ["swaks", "--version"]

    def prepare(self, relay, link, recipient):
        return ["swaks", "--server", self.host(link), "--port",
                str(self.lab.port(relay)), "--tlsc", "--tls-verify",
                "--tls-ca-path", self.lab.ca, "-a", "PLAIN", "-au", USER, "-ap",
                PASSWORD, "-f", FROM, "-t", recipient, "-d", "-", "--hide-all"]


class SNail(Peer):
    name = program = "s-nail"
    version_of = ["s-nail", "--version"]

    def prepare(self, relay, link, recipient):
        file = self.place(
            relay, link,
            f"set v15-compat mta=smtps://{USER.replace('@', '%40')}:{PASSWORD}"
            f"@{self.host(link)}:{self.lab.port(relay)} smtp-auth=plain "
            f"from={FROM} tls-verify=strict tls-ca-file={self.lab.ca} "
            f"tls-ca-no-defaults hostname=localhost\n")
        return ["env", f"MAILRC={file}", "s-nail", "-n", "-s", "hello",
                recipient]


class Mutt(Peer):
    name = program = "mutt"
    version_of = ["mutt", "-v"]

    def prepare(self, relay, link, recipient):
        file = self.place(
            relay, link,
            f'set smtp_url="smtps://{USER.replace("@", "%40")}@'
            f'{self.host(link)}:{self.lab.port(relay)}/" '
            f'smtp_pass="{PASSWORD}" smtp_authenticators="plain" '
            f'certificate_file="{self.lab.ca}" from="{FROM}" use_from=yes '
            'envelope_from=yes copy=no ssl_force_tls=yes use_domain=no '
            'hostname=localhost\n')
        return ["mutt", "-n", "-F", file, "-s", "hello", recipient]


class Nullmailer(Peer):
    name = "nullmailer"
    program = f"{UNPACKED}/nullmailer/usr/lib/nullmailer/smtp"

    def version(self):
        return self.package("nullmailer")

    def prepare(self, relay, link, recipient):
        self.input = self.place(
            relay, link,
            f"host={self.host(link)}\nport={self.lab.port(relay)}\n"
            f"user={USER}\npass={PASSWORD}\ntls\nx509cafile={self.lab.ca}\n\n")
        with open(self.lab.message) as file:
            self.also = self.place(relay, link,
                                   f"{FROM}\n{recipient}\n\n" + file.read(),
                                   ".message")
        return ["env", "HELOHOST=localhost", self.program]


class Dma(Peer):
    name = "dma"
    program = f"{UNPACKED}/dma/usr/sbin/dma"

    def version(self):
        return self.package("dma") + " (CRAM-MD5; verifies nothing)"

    def found(self):
        return (super().found()
                and {"/etc/dma", "/var/spool/dma"} <= self.lab.rooms)

    def prepare(self, relay, link, recipient):
        shutil.chown("/var/spool/dma", "root", "mail")
        os.chmod("/var/spool/dma", 0o2775)
        return [self.program, "-D", "-f", FROM, recipient]

    def before(self, relay, link):
        with open("/etc/dma/dma.conf", "w") as file:
            file.write(f"SMARTHOST {self.host(link)}\n"
                       f"PORT {self.lab.port(relay)}\n"
                       "AUTHPATH /etc/dma/auth.conf\nSECURETRANSFER\n"
                       "MAILNAME localhost\n")
        with open("/etc/dma/auth.conf", "w") as file:
            file.write(f"{USER}|{self.host(link)}:{PASSWORD}\n")


class Esmtp(Peer):
    """It hangs now and then."""
    name = "esmtp"
    program = f"{UNPACKED}/esmtp/usr/bin/esmtp"

    def version(self):
        return self.package("esmtp") + " (STARTTLS)"

    def prepare(self, relay, link, recipient):
        file = self.place(
            relay, link,
            f'identity "{FROM}"\n hostname = {self.host(link)}:'
            f'{self.lab.port(relay, "starttls")}\n username = "{USER}"\n'
            f' password = "{PASSWORD}"\n starttls = required\n default\n')
        # Where its library looks for authorities.
        for place in ".authenticate", ".config/libesmtp":
            with open(self.lab.ca) as ca:
                self.lab.place(f"home/{place}/ca.pem", ca.read(), 0o600)
        return ["timeout", "10", self.program, "-C", file, "-f", FROM, recipient]


class OpenSmtp(Peer):
    name = "opensmtpd"
    program = f"{UNPACKED}/opensmtpd/usr/bin/smtp"

    def version(self):
        return self.package("opensmtpd")

    def prepare(self, relay, link, recipient):
        return [self.program, "-s",
                f"smtps://{USER}:{PASSWORD}@{self.host(link)}:"
                f"{self.lab.port(relay)}", "-F", FROM, recipient]


ALL = (Postrider, Msmtp, Curl, SNail, Mutt, Swaks, Nullmailer, Dma, Esmtp,
       OpenSmtp)


class OpenSmtpDaemon(Peer):
    """Its sendmail leaves messages to this; its place is that of the system."""
    name = "opensmtpd-daemon"
    program = f"{UNPACKED}/opensmtpd/usr/sbin/smtpd"

    def version(self):
        return self.package("opensmtpd")

    def start(self):
        lab = self.lab
        with open("/etc/passwd") as users, open("/etc/group") as groups:
            lab.over("/etc/passwd", users.read()
                     + "opensmtpd:x:64001:64001::/nonexistent:/bin/false\n"
                     "opensmtpq:x:64002:64002::/nonexistent:/bin/false\n")
            lab.over("/etc/group", groups.read()
                     + "opensmtpd:x:64001:\nopensmtpq:x:64002:\n")
        subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
        if not {"/var/spool/smtpd", "/var/lib/opensmtpd"} <= lab.rooms:
            return False
        os.mkdir("/var/lib/opensmtpd/empty")
        os.chmod("/var/spool/smtpd", 0o711)
        os.chmod("/var/lib/opensmtpd/empty", 0o711)
        file = lab.place("smtpd.conf",
                         'action "out" relay host smtp://127.0.0.1:9\n'
                         'listen on socket\n'
                         'match from local for any action "out"\n')
        said = open(lab.place("smtpd.log"), "w")
        lab.keep(self.program, "-d", "-f", file, stdout=said, stderr=said)
        for _ in range(500):
            if os.path.exists("/run/smtpd.sock"):
                return True
            time.sleep(0.01)
        with open(said.name) as file:
            print("# OpenSMTPD does not start: " + file.read()[:300])
        return False

    def command(self, recipient):
        link = f"{self.lab.work}/opensmtpd/sendmail"
        if not os.path.lexists(link):
            os.makedirs(os.path.dirname(link))
            shutil.copy(f"{UNPACKED}/opensmtpd/usr/sbin/smtpctl", link)
            os.chown(link, 0, 64002)
            os.chmod(link, 0o2755)
        return [link, "-f", FROM, recipient]
