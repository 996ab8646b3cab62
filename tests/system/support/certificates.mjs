// Certificates of the test's own, made by the openssl command.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const openssl = (args, input) => execFileSync('openssl', args, { stdio: ['pipe', 'pipe', 'pipe'], input });
const utc = (time) => new Date(time).toISOString().replace(/[-:T]/g, '').slice(0, 14) + 'Z';

// An authority in a directory; its certificate is `file`, and `pem` its text.
export class Authority {
  constructor(dir, name = 'test authority') {
    this.dir = dir;
    this.key = path.join(dir, `${name.replaceAll(' ', '-')}.key`);
    this.file = path.join(dir, `${name.replaceAll(' ', '-')}.pem`);
    openssl(['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', this.key, '-out', this.file, '-days', '365', '-subj', `/CN=${name}`,
      '-addext', 'keyUsage=critical,keyCertSign']);
    this.pem = fs.readFileSync(this.file, 'utf8');
    this.serial = 1;
  }

  // { certificate, key } as files NAME.pem and NAME.key. names: 'DNS:…,IP:…'; from, to: milliseconds from now.
  issue(name, names, { kind = 'ec', from = -3_600_000, to = 90 * 86_400_000, dir = this.dir } = {}) {
    const out = { certificate: path.join(dir, `${name}.pem`), key: path.join(dir, `${name}.key`) };
    const request = path.join(this.dir, 'request.pem');
    const config = path.join(this.dir, 'ca.cnf');
    const how = kind === 'rsa' ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    openssl(['req', '-new', '-newkey', ...how, '-nodes', '-keyout', out.key, '-out', request, '-subj', `/CN=${name}`]);
    fs.writeFileSync(path.join(this.dir, 'index.txt'), '');
    fs.writeFileSync(config, `[ca]\ndefault_ca=d\n[d]\ndatabase=${this.dir}/index.txt\nnew_certs_dir=${this.dir}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\n${names ? `subjectAltName=${names}\n` : ''}basicConstraints=CA:FALSE\n`);
    openssl(['ca', '-batch', '-config', config, '-cert', this.file, '-keyfile', this.key, '-in', request, '-out', out.certificate, '-notext',
      '-startdate', utc(Date.now() + from), '-enddate', utc(Date.now() + to)]);
    fs.chmodSync(out.key, 0o600);
    return out;
  }
}

export const files = ({ certificate, key }) => ({ TLS_CERT_FILE: certificate, TLS_KEY_FILE: key });
