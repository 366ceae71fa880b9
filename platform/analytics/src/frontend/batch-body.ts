import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { MillraceError } from '@millrace/core';
import type { FastifyRequest } from 'fastify';
import { readBody, tooLarge, type BodySource } from './body.ts';

/** Of one body, compressed and decompressed. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;
/** Of all bodies that are being received. */
const MAX_RECEIVING_BYTES = 16 * MAX_BATCH_BYTES;

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

/** Receives bodies, all together within a bound: many slow senders must not fill the memory. */
export class BatchReceiver {
  #receiving = 0;

  /** @throws BODY_TOO_LARGE, QUEUE_FULL (rejection) */
  receive(request: FastifyRequest, source: BodySource): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let received = 0;
      const settle = (error: Error | null, body?: Buffer): void => {
        this.#receiving -= received;
        received = 0;
        if (error === null) resolve(body!);
        else reject(error);
      };
      source.on('data', (chunk) => {
        received += chunk.length;
        this.#receiving += chunk.length;
        if (this.#receiving > MAX_RECEIVING_BYTES) settle(busy());
      });
      readBody(source, request.headers, MAX_BATCH_BYTES, settle);
    });
  }
}

const busy = (): MillraceError =>
  new MillraceError('QUEUE_FULL', 'too many batches arrive at once: send again a little later');
