import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificate } from './certificates.ts';
import { freePort } from './free-port.ts';

const PLAIN_LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const SCRAM_LOGIN = 'org.apache.kafka.common.security.scram.ScramLoginModule';
/** The user that a secure broker knows; setup writes its SCRAM credentials when it formats the data directory. */
const USER = { username: 'millrace', password: 'secret' } as const;

interface Listener {
  readonly port: number;
  /** What clients are told to connect to. Default: `port`. */
  readonly advertisedPort?: number;
}

export interface KafkaSecureListener {
  readonly port: number;
  readonly bootstrap: string;
  /** PEM of the authority to trust. */
  readonly ca: string;
  readonly username: string;
  readonly password: string;
}

/** The properties that make the broker listen, on 127.0.0.1. */
export function listenerProperties(
  listeners: Readonly<Partial<Record<'CONTROLLER' | 'PLAINTEXT' | 'PROXIED' | 'SASL_SSL', Listener>>>,
): Readonly<Record<string, string>> {
  const entries = Object.entries(listeners);
  return {
    listeners: entries.map(([name, { port }]) => address(name, port)).join(','),
    // Only brokers talk to the controller.
    'advertised.listeners': entries
      .filter(([name]) => name !== 'CONTROLLER')
      .map(([name, { port, advertisedPort = port }]) => address(name, advertisedPort))
      .join(','),
    'listener.security.protocol.map': entries
      .map(([name]) => `${name}:${name === 'SASL_SSL' ? 'SASL_SSL' : 'PLAINTEXT'}`)
      .join(','),
  };
}

function address(name: string, port: number): string {
  return `${name}://127.0.0.1:${port}`;
}

/**
 * A listener with TLS and SASL for `listenerProperties`, with a certificate in `directory` and the properties that it needs
 * besides.
 */
export async function secureListener(
  directory: string,
): Promise<{ readonly listener: KafkaSecureListener; readonly properties: Readonly<Record<string, string>> }> {
  const port = await freePort();
  const certificate = await makeCertificate(directory);
  // One file with the key before its certificate is what Kafka takes as a PEM keystore.
  const keystore = join(directory, 'keystore.pem');
  await writeFile(keystore, (await readFile(certificate.keyFile, 'utf8')) + certificate.ca);
  const name = 'listener.name.sasl_ssl';
  const { username, password } = USER;
  const listener: KafkaSecureListener = {
    port,
    bootstrap: `127.0.0.1:${port}`,
    ca: certificate.ca,
    username,
    password,
  };
  return {
    listener,
    properties: {
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      [`${name}.ssl.keystore.type`]: 'PEM',
      [`${name}.ssl.keystore.location`]: keystore,
      [`${name}.plain.sasl.jaas.config`]: `${PLAIN_LOGIN} required user_${username}="${password}";`,
      [`${name}.scram-sha-256.sasl.jaas.config`]: `${SCRAM_LOGIN} required;`,
      [`${name}.scram-sha-512.sasl.jaas.config`]: `${SCRAM_LOGIN} required;`,
    },
  };
}
