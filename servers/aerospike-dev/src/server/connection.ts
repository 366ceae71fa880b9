import type { Socket } from 'node:net';
import type { Reply } from '../commands/scan.ts';
import { answerInfo } from '../info/index.ts';
import type { InfoContext } from '../info/command.ts';
import { FRAME } from '../protocol/constants.ts';
import { FrameReader } from '../protocol/frame-reader.ts';
import { adminResponse, emptyOutcome, infoResponse, singleResponse } from '../protocol/response.ts';
import { RESULT } from '../protocol/result-code.ts';
import type { Executor } from './executor.ts';

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
      // Community Edition takes no compressed commands (8.1, `as/src/base/proto_ce.c`).
      reply.send(singleResponse(emptyOutcome(RESULT.enterpriseOnly)));
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
