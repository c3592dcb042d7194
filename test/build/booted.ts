import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cleanEnvironment, type Ended } from "#test/bin/executable.ts";

/**
 * A machine that systemd has booted: in namespaces of its own, on a copy of this machine's files that is thrown away, with the
 * network of this one.
 */
export interface Booted extends AsyncDisposable {
  /** Runs a command there to its end. */
  run(...command: string[]): Promise<Ended>;
  /** A file of that machine, as this one sees it. */
  path(inside: string): string;
}

const programs = [
  "setpriv",
  "unshare",
  "nsenter",
  "pivot_root",
  "mount",
  "systemctl",
  "journalctl",
];
const systemd = "/lib/systemd/systemd";

/** Why none can be booted here; nothing where one can. */
export function whyNotBooted(): string | undefined {
  // It takes namespaces and control groups of whoever runs it.
  if (process.env["LOWROUTER_TEST_MACHINES"] !== "1")
    return "set LOWROUTER_TEST_MACHINES=1 to run it";
  if (process.platform !== "linux") return "this is not Linux";
  if (process.getuid?.() !== 0) return "this is not root";
  if (!existsSync(systemd)) return "systemd is not installed";
  const lacking = programs.find((name) => Bun.which(name) === null);
  if (lacking !== undefined) return `there is no ${lacking}`;
  if (cgroups() === undefined) return "no cgroup2 is mounted";
  const tried = Bun.spawnSync(["unshare", "--mount", "--pid", "--fork", "--cgroup", "true"]);
  return tried.success ? undefined : "no namespaces can be made";
}

/** Boots one. The executable is its /usr/local/bin/lowrouter. */
export async function boot(executable: string, folder: string): Promise<Booted> {
  const box = join(folder, "box");
  await mkdir(box);
  const cgroup = join(cgroups() ?? "", `lowrouter-test-${process.pid}`);
  const child = Bun.spawn(["sh", "-euc", enter, "boot", cgroup, box, executable, bootScript], {
    env: cleanEnvironment(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const said = Promise.all([child.stdout.text(), child.stderr.text()]);
  const end = async () => {
    child.kill("SIGKILL");
    await child.exited;
    // Only once all of its processes are gone: the kernel refuses before.
    for (let tries = 0; existsSync(cgroup) && tries < 200; tries++) {
      Bun.spawnSync(["find", cgroup, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], {
        stderr: "ignore",
      });
      await Bun.sleep(20);
    }
  };
  /** Its first process, once that is systemd: until then it has the files of this machine, and maybe its systemd. */
  const init = (): string | undefined => {
    const [pid = ""] = textOf(`/proc/${child.pid}/task/${child.pid}/children`).split(" ");
    return textOf(`/proc/${pid}/comm`) === "systemd\n" ? pid : undefined;
  };
  const known = (): string => {
    const pid = init();
    if (pid === undefined) throw new Error("Cannot reach a machine that has ended");
    return pid;
  };
  const inside = async (command: string[]): Promise<Ended> => {
    const shared = ["--mount", "--pid", "--cgroup", "--uts", "--ipc", "--root", "--wd"];
    const run = Bun.spawn(["nsenter", "--target", known(), ...shared, ...command], {
      env: cleanEnvironment({ TMPDIR: "/tmp", HOME: "/root", SYSTEMD_PAGER: "" }),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
    return { out, err, code };
  };
  const until = performance.now() + bootMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Cannot boot: ${(await said).join("")}`);
    const isBooted = init() !== undefined;
    if (isBooted && (await inside(["systemctl", "is-system-running"])).out === "running\n") break;
    if (performance.now() > until) {
      await end();
      throw new Error(`Cannot boot: ${(await said).join("")}`);
    }
    await Bun.sleep(20);
  }
  return {
    run: (...command) => inside(command),
    path: (name) => `/proc/${known()}/root${name}`,
    [Symbol.asyncDispose]: end,
  };
}

const bootMs = 60_000;

/** What a file of the kernel says; nothing where it is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // Its process has ended, or has not begun.
  }
}

/** Where the second version of cgroups is mounted: the only one that newer systemd knows. */
function cgroups(): string | undefined {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  return mounts.map((line) => line.split(" ")).find((fields) => fields[2] === "cgroup2")?.[1];
}

/** It goes with this process, however that ends. */
const enter = `
mkdir -p "$1"
echo $$ > "$1/cgroup.procs"
shift
exec setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --cgroup --uts --ipc sh -euc "$3" boot "$1" "$2"
`;

/**
 * What a manager of containers does before it starts systemd: an overlay of the files, devices that do no harm, and kernel
 * settings that cannot be written to, as they are this machine's, too.
 */
const bootScript = `
box=$1 executable=$2
root=$box/root
mount --make-rprivate /
mount -t tmpfs tmpfs "$box"
mkdir "$box/upper" "$box/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$box/upper,workdir=$box/work" "$root"
for folder in run tmp var/log; do mount -t tmpfs tmpfs "$root/$folder"; done
chmod 1777 "$root/tmp"
mkdir "$root/run/lock"
mkdir -p "$root/usr/local/bin"
rm -f "$root/usr/local/bin/lowrouter"
touch "$root/usr/local/bin/lowrouter"
mount --bind "$executable" "$root/usr/local/bin/lowrouter"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
rm -rf "$root/etc/systemd/system" "$root/etc/lowrouter" "$root/var/lib/lowrouter" "$root/var/lib/private"
mkdir -p "$root/etc/systemd/system"
# Nothing of this machine's own is set up anew: its settings, users, modules and devices stay as they are.
for unit in systemd-sysctl systemd-sysusers systemd-modules-load systemd-tmpfiles-setup systemd-tmpfiles-setup-dev \\
  systemd-tmpfiles-clean systemd-udevd systemd-binfmt systemd-random-seed systemd-update-utmp; do
  ln -s /dev/null "$root/etc/systemd/system/$unit.service"
done
ln -s /dev/null "$root/etc/systemd/system/systemd-journald-audit.socket"
printf '%s\\n' '[Unit]' 'Requires=systemd-journald.service' 'After=systemd-journald.service' > "$root/etc/systemd/system/test.target"
cd "$root"
mkdir mnt/before
pivot_root . mnt/before
umount -l mnt/before
# What a unit mounts for itself, such as its credentials, has to be seen by it.
mount --make-rshared /
exec env -i container=lowrouter-test PATH=/usr/sbin:/usr/bin:/sbin:/bin ${systemd} --system --unit=test.target --log-target=console --show-status=no
`;
