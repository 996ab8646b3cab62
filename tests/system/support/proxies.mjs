// Proxies that other people wrote, each started for a test with a configuration of its
// own, in a directory of its own, on a port that was free: nginx, caddy, haproxy,
// privoxy, stunnel, nghttpx, apache, squid, varnish, lighttpd, tinyproxy. They end with the test.
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { atEnd, freePort, isRoot, temporary } from './foyer.mjs';
import { connected } from './http.mjs';
import { until } from './within.mjs';

const living = new Set();
process.on('exit', () => { for (const child of living) { try { process.kill(child.pid, 'SIGKILL'); } catch { /* ended */ } } });

// Where Debian puts them; root's PATH has all of them, others' has not.
const program = (name) => ['/usr/sbin', '/usr/bin', '/usr/local/bin'].map((dir) => path.join(dir, name)).find((file) => fs.existsSync(file)) ?? name;

class Proxy {
  text = '';
  constructor(child, port, dir) {
    Object.assign(this, { child, port, dir, host: '127.0.0.1', origin: `http://127.0.0.1:${port}` });
    this.exited = new Promise((resolve) => { child.on('error', (error) => { this.text += error.message; resolve(); }); child.on('close', () => { living.delete(child); resolve(); }); });
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', (line) => { this.text += `${line}\n`; });
  }
  get alive() { return this.child.exitCode === null && this.child.signalCode === null; }
}

// files: name → text, written into the directory; args: what the program is told.
async function start(t, name, { port, files, args, env = {}, secure }) {
  const dir = temporary(t);
  for (const [file, text] of Object.entries(files(dir))) fs.writeFileSync(path.join(dir, file), text);
  const child = spawn(program(name), args(dir), { cwd: dir, env: { PATH: process.env.PATH, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  living.add(child);
  const proxy = new Proxy(child, port, dir);
  atEnd(t, async () => { child.kill('SIGKILL'); await proxy.exited; });
  await until(`${name} to listen`, async () => {
    if (!proxy.alive) throw new Error(`${name} ended: ${proxy.text}`);
    try { (await connected(proxy)).destroy(); return true; } catch { return false; }
  });
  return secure ? Object.assign(proxy, { origin: `https://127.0.0.1:${port}` }) : proxy;
}

// `text`: what stands in `http { }`.
async function nginxOf(t, port, text) {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return start(t, 'nginx', {
    port, args: (dir) => ['-p', dir, '-c', path.join(dir, 'nginx.conf'), '-e', 'stderr'],
    files: (dir) => ({ 'nginx.conf': `daemon off; master_process off; pid ${dir}/pid; error_log stderr warn;${isRoot ? ' user root;' : ''}
events { worker_connections 256; }
http {
  access_log off; ${folders.map((f) => `${f}_temp_path ${dir}/${f};`).join(' ')}
  ${text}
}
` }),
  });
}

// `locations`: what stands in `server { }`.
export async function nginx(t, locations, { port: wanted } = {}) {
  const port = wanted ?? await freePort();
  return nginxOf(t, port, `map $http_upgrade $connection_upgrade { default upgrade; '' close; }\n  server { listen 127.0.0.1:${port}; ${locations} }`);
}

// By the name of the program: with a configuration as a document shows it, which listens on this port.
export const documented = {
  nginx: nginxOf,
  haproxy: (t, port, text) => start(t, 'haproxy', { port, args: (dir) => ['-db', '-f', path.join(dir, 'haproxy.cfg')], files: () => ({ 'haproxy.cfg': `global\n  maxconn 200\n${text}` }) }),
  caddy: (t, port, text) => start(t, 'caddy', { port, args: (dir) => ['run', '--config', path.join(dir, 'Caddyfile'), '--adapter', 'caddyfile'], files: () => ({ Caddyfile: `{\n  admin off\n  auto_https off\n}\n${text}` }) }),
};

// `site`: what stands in the block of the address. reload(site): as `caddy reload` does.
export async function caddy(t, site) {
  const port = await freePort();
  const admin = await freePort();
  const text = (block) => `{\n  admin 127.0.0.1:${admin}\n  auto_https off\n}\nhttp://127.0.0.1:${port} {\n${block}\n}\n`;
  const proxy = await start(t, 'caddy', { port, args: (dir) => ['run', '--config', path.join(dir, 'Caddyfile'), '--adapter', 'caddyfile'], files: () => ({ Caddyfile: text(site) }) });
  proxy.reload = (block) => new Promise((resolve, reject) => {
    fs.writeFileSync(path.join(proxy.dir, 'Caddyfile'), text(block));
    const child = execFile(program('caddy'), ['reload', '--config', path.join(proxy.dir, 'Caddyfile'), '--adapter', 'caddyfile', '--address', `127.0.0.1:${admin}`], (error, out, err) => (error ? reject(new Error(err)) : resolve()));
    living.add(child);
    child.on('close', () => living.delete(child));
  });
  return proxy;
}

// mode: http or tcp; `server`: what stands behind the backend's address; `lines`: what stands before it.
export async function haproxy(t, node, { mode = 'http', server = '', defaults = '', lines = '' } = {}) {
  const port = await freePort();
  return start(t, 'haproxy', {
    port, args: (dir) => ['-db', '-f', path.join(dir, 'haproxy.cfg')],
    files: () => ({ 'haproxy.cfg': `global
  maxconn 200
defaults
  mode ${mode}
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${defaults}
listen all
  bind 127.0.0.1:${port}
${lines}
  server foyer ${node.host}:${node.port} ${server}
` }),
  });
}

// A forward proxy on the client's side.
export async function privoxy(t) {
  const port = await freePort();
  return start(t, 'privoxy', { port, args: (dir) => ['--no-daemon', path.join(dir, 'config')], files: (dir) => ({ config: `confdir ${dir}\nlogdir ${dir}\nlisten-address 127.0.0.1:${port}\ntoggle 0\n` }) });
}

// TLS outside, plain inside. certificate: of support/certificates.mjs.
export async function stunnel(t, node, certificate, options = '') {
  const port = await freePort();
  return start(t, 'stunnel4', {
    port, secure: true, args: (dir) => [path.join(dir, 'stunnel.conf')],
    files: () => ({ 'stunnel.conf': `foreground = yes\npid =\nsyslog = no\n[foyer]\naccept = 127.0.0.1:${port}\nconnect = ${node.host}:${node.port}\ncert = ${certificate.certificate}\nkey = ${certificate.key}\n${options}\n` }),
  });
}

// A front that speaks HTTP/2 and carries WebSockets over it (RFC 8441).
export async function nghttpx(t, node, certificate, { port } = {}) {
  const at = port ?? await freePort();
  return start(t, 'nghttpx', {
    port: at, secure: true, files: () => ({}),
    args: (dir) => [`--frontend=127.0.0.1,${at}`, `--backend=${node.host},${node.port}`, `--conf=${dir}/none`, '--errorlog-file=/dev/stderr', '--workers=1', '--npn-list=h2,http/1.1',
      certificate.key, certificate.certificate],
  });
}

// `lines`: what stands in the server's configuration, behind the modules for proxies. -X: one process, which can be ended.
export async function apache(t, lines) {
  const port = await freePort();
  const modules = ['mpm_event', 'authz_core', 'authz_host', 'authn_core', 'authn_file', 'auth_basic', 'authz_user', 'headers', 'rewrite', 'proxy', 'proxy_http', 'proxy_wstunnel'];
  return start(t, 'apache2', {
    port, args: (dir) => ['-X', '-f', path.join(dir, 'apache2.conf')],
    files: (dir) => ({ 'apache2.conf': `ServerName localhost
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
PidFile ${dir}/pid
ErrorLog ${dir}/error.log
DefaultRuntimeDir ${dir}
${isRoot ? 'User www-data\nGroup www-data' : ''}
Listen 127.0.0.1:${port}
${lines}
` }),
  });
}

// In front of one server (an accelerator).
export async function squid(t, node, lines = '') {
  const port = await freePort();
  return start(t, 'squid', {
    port, args: (dir) => ['-N', '-f', path.join(dir, 'squid.conf')],
    files: () => ({ 'squid.conf': `http_port 127.0.0.1:${port} accel defaultsite=${node.host}
cache_peer ${node.host} parent ${node.port} 0 no-query originserver login=PASS name=server
http_access allow all
cache deny all
pid_filename none
access_log none
cache_log /dev/null
shutdown_lifetime 0 seconds
${lines}
` }),
  });
}

// `vcl`: what stands behind the backend.
export async function varnish(t, node, vcl = '') {
  const port = await freePort();
  return start(t, 'varnishd', {
    port, args: (dir) => ['-F', '-j', 'none', '-a', `127.0.0.1:${port}`, '-f', path.join(dir, 'default.vcl'), '-n', path.join(dir, 'work'), '-s', 'malloc,16m', '-p', 'thread_pool_min=10'],
    files: () => ({ 'default.vcl': `vcl 4.1;\nbackend default { .host = "${node.host}"; .port = "${node.port}"; }\n${vcl}\n` }),
  });
}

export async function lighttpd(t, node, lines = '') {
  const port = await freePort();
  return start(t, 'lighttpd', {
    port, args: (dir) => ['-D', '-f', path.join(dir, 'lighttpd.conf')],
    files: (dir) => ({ 'lighttpd.conf': `server.document-root = "${dir}"
server.bind = "127.0.0.1"
server.port = ${port}
server.modules = ( "mod_proxy" )
proxy.server = ( "" => ( ( "host" => "${node.host}", "port" => ${node.port} ) ) )
${lines}
` }),
  });
}

export async function tinyproxy(t, node) {
  const port = await freePort();
  return start(t, 'tinyproxy', {
    port, args: (dir) => ['-d', '-c', path.join(dir, 'tinyproxy.conf')],
    files: () => ({ 'tinyproxy.conf': `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nReversePath "/" "http://${node.host}:${node.port}/"\nReverseOnly Yes\n` }),
  });
}
