import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { MillraceError } from '@millrace/core';
import { readBody, tooLarge, type BodySource } from './body.ts';

/** Of one body, compressed and decompressed. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;
/** Of all bodies that are being received, wait for their turn, or are worked on. */
const MAX_HELD_BYTES = 16 * MAX_BATCH_BYTES;

const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const zstdDecompress = promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);

/** The limit of the output is what keeps a few bytes from becoming gigabytes; a thread of the pool does the work. */
const LIMITS = { maxOutputLength: MAX_BATCH_BYTES, chunkSize: 256 * 1024 };

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  gzip: (bytes) => gunzip(bytes, LIMITS),
  'x-gzip': (bytes) => gunzip(bytes, LIMITS),
  zstd: (bytes) => zstdDecompress(bytes, LIMITS),
};

/** Undoes the Content-Encoding. @throws UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE, INVALID_ARGUMENT */
export async function decode(bytes: Buffer, encoding: string | undefined): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name === 'identity' || name === '') return bytes;
  const decoder = DECODERS[name];
  if (decoder === undefined) {
    throw new MillraceError(
      'UNSUPPORTED_MEDIA_TYPE',
      'this Content-Encoding is not accepted here: send gzip, zstd or none',
      {
        field: 'Content-Encoding',
        value: encoding,
        accepted: 'gzip, zstd or none',
      },
    );
  }
  try {
    return await decoder(bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(MAX_BATCH_BYTES);
    throw new MillraceError('INVALID_ARGUMENT', `the body is not valid ${name}: ${(error as Error).message}`, {
      field: 'body',
      accepted: `${name}, as Content-Encoding says`,
      cause: error,
    });
  }
}

/** Holds bodies, all together within a bound: many senders, slow or fast, must not fill the memory. */
export class BatchReceiver {
  #held = 0;

  /**
   * Receives a body and hands it to `work`. It counts until that is done.
   *
   * @throws BODY_TOO_LARGE, QUEUE_FULL, CANCELLED (rejection), and what `work` does
   */
  async receive<T>(
    source: BodySource,
    headers: IncomingHttpHeaders,
    work: (body: Buffer) => T | Promise<T>,
  ): Promise<T> {
    let held = 0;
    try {
      const received = await new Promise<Buffer>((resolve, reject) => {
        let settled = false;
        const giveUp = readBody(source, headers, MAX_BATCH_BYTES, (error, body) => {
          settled = true;
          if (error === null) resolve(body!);
          else reject(error);
        });
        source.on('data', (chunk) => {
          // The rest of a body that was refused still comes, and is not kept.
          if (settled) return;
          held += chunk.length;
          this.#held += chunk.length;
          if (this.#held > MAX_HELD_BYTES) giveUp(busy());
        });
      });
      return await work(received);
    } finally {
      this.#held -= held;
    }
  }
}

const busy = (): MillraceError =>
  new MillraceError('QUEUE_FULL', 'too many batches arrive at once: send again a little later');
