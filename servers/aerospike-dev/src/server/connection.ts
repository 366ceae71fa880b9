import { inflateSync } from 'node:zlib';
import type { Socket } from 'node:net';
import type { Reply } from '../commands/scan.ts';
import { answerInfo } from '../info/index.ts';
import type { InfoContext } from '../info/command.ts';
import { FRAME, MAX_FRAME_BYTES, PROTO_HEADER_BYTES } from '../protocol/constants.ts';
import { FrameReader } from '../protocol/frame-reader.ts';
import { adminResponse, infoResponse } from '../protocol/response.ts';
import { RESULT } from '../protocol/result-code.ts';
import type { Executor } from './executor.ts';

/** In a compressed frame the length of the frame inside stands before its bytes. */
const COMPRESSED_HEADER_BYTES = 8;

/**
 * Serves one client connection until it ends. A connection has one command under way at a time, so each answer is one
 * write.
 */
export function serveConnection(
  socket: Socket,
  executor: Executor,
  info: InfoContext,
  onError: (error: unknown) => void,
): void {
  const reply: Reply = {
    send: (frame) => {
      if (!socket.destroyed) socket.write(frame);
    },
    drained: () => drained(socket),
    close: () => void socket.destroy(),
    fail: (error) => {
      onError(error);
      socket.destroy();
    },
  };
  const onFrame = (type: number, bytes: Buffer, start: number, end: number): void => {
    if (type === FRAME.message) executor.execute(bytes, start, end, reply);
    else if (type === FRAME.info) reply.send(infoResponse(answerInfo(info, bytes.toString('utf8', start, end))));
    else if (type === FRAME.compressed) {
      const frame = inflateSync(bytes.subarray(start + COMPRESSED_HEADER_BYTES, end), {
        maxOutputLength: MAX_FRAME_BYTES,
      });
      executor.execute(frame, PROTO_HEADER_BYTES, frame.length, reply);
    } else if (type === FRAME.admin) reply.send(adminResponse(RESULT.securityNotSupported));
    else socket.destroy();
  };
  const reader = new FrameReader(onFrame);
  socket.on('data', (chunk: Buffer) => {
    try {
      if (!reader.push(chunk)) socket.destroy();
    } catch (error) {
      reply.fail(error);
    }
  });
  // A client that goes away in the middle of something is no fault of the server's.
  socket.on('error', () => socket.destroy());
}

function drained(socket: Socket): Promise<boolean> {
  if (socket.destroyed || !socket.writableNeedDrain) return Promise.resolve(!socket.destroyed);
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off('drain', settle).off('close', settle);
      resolve(!socket.destroyed);
    };
    socket.on('drain', settle).on('close', settle);
  });
}
