import { MillraceError } from '@millrace/core';
import type { Redis } from 'ioredis';

import type { RedisAddress } from './address.ts';

/** How Redis answers an AUTH that it does not need: before version 6, and since. */
const NEEDLESS = /no password is set|without any password configured for the default user/;

type Auth = (login: string | readonly [user: string, password: string]) => Promise<'OK'>;

/**
 * Makes a client refuse to log in where no login is asked for: it is another server than was meant, or one that is open
 * to all. The driver would write a line to the console, past every logger, and go on.
 */
export function refuseNeedlessPassword(client: Redis, { display }: RedisAddress): void {
  // How the driver's handshake calls it: user and password come together, as one.
  const auth = client.auth.bind(client) as unknown as Auth;
  const strict: Auth = async (login) => {
    try {
      return await auth(login);
    } catch (error) {
      if (!(error instanceof Error) || !NEEDLESS.test(error.message)) throw error;
      const message = `Redis at ${display} asks for no password: leave it out, or set one there with requirepass`;
      const accepted = 'no password';
      throw new MillraceError('UNAUTHORIZED', message, { field: 'url', value: display, accepted, cause: error });
    }
  };
  client.auth = strict as unknown as Redis['auth'];
}
