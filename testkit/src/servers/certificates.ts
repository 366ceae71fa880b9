import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Certificate {
  /** PEM; the certificate is its own authority. */
  readonly ca: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Makes a certificate for these hosts, valid for a day, in `directory`. Needs `openssl` on the PATH. */
export async function makeCertificate(
  directory: string,
  hosts: readonly string[] = ['localhost', '127.0.0.1'],
): Promise<Certificate> {
  const certificateFile = join(directory, 'certificate.pem');
  const keyFile = join(directory, 'key.pem');
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost';
  await promisify(execFile)('openssl', [
    ...request.split(' '),
    '-addext',
    `subjectAltName=${hosts.map((host) => `${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`).join(',')}`,
    '-keyout',
    keyFile,
    '-out',
    certificateFile,
  ]);
  return { ca: await readFile(certificateFile, 'utf8'), certificateFile, keyFile };
}
