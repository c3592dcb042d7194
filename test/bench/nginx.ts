import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "#test/lib/port.ts";
import { start, type Running } from "#test/bench/process.ts";
import type { Bench } from "#test/bench/target.ts";

/** Where nginx is, or undefined. Debian keeps it out of a plain user's PATH. */
export function findNginx(): string | undefined {
  return Bun.which("nginx") ?? Bun.which("/usr/sbin/nginx") ?? undefined;
}

/** Starts nginx as a plain keep-alive proxy with a configuration of its own. */
export async function nginx({ folder, upstreamPort }: Bench): Promise<Running> {
  const binary = findNginx();
  if (binary === undefined) throw new Error("Cannot start nginx: it is not installed");
  const home = join(folder, "nginx");
  await mkdir(home, { recursive: true });
  const port = freePort();
  const file = join(home, "nginx.conf");
  await Bun.write(file, configuration(home, port, upstreamPort));
  return start({ name: "nginx", command: [binary, "-p", home, "-c", file], port, folder });
}

function configuration(home: string, port: number, upstreamPort: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes auto;
worker_rlimit_nofile 20000;
daemon off;
pid ${home}/nginx.pid;
error_log ${home}/error.log;
events { worker_connections 12000; }
http {
  access_log off;
${temporary.map((what) => `  ${what}_temp_path ${home}/${what};`).join("\n")}
  keepalive_requests 1000000000;
  upstream mock {
    server 127.0.0.1:${upstreamPort};
    keepalive 128;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}
