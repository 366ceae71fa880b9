import type { Socket } from 'node:net';
import { inUrl } from '../address.ts';
import { answerInfo } from '../info/index.ts';
import type { InfoContext, NodeInfo } from '../info/command.ts';
import { FRAME } from '../protocol/constants.ts';
import { FrameError, FrameReader } from '../protocol/frame-reader.ts';
import { adminResponse, emptyOutcome, infoResponse, singleResponse } from '../protocol/response.ts';
import { RESULT } from '../protocol/result-code.ts';
import type { Executor } from './executor.ts';
import type { Reply } from '../protocol/reply.ts';

/**
 * Serves one client connection until it ends. Its commands are run one after the other, and no more of them are read
 * while the client does not take their answers: so a connection holds one piece of an answer at most.
 */
export function serveConnection(
  socket: Socket,
  executor: Executor,
  info: NodeInfo,
  onError: (error: unknown) => void,
): void {
  const context: InfoContext = { ...info, address: info.accessAddress ?? localAddress(socket) };
  const reply: Reply = {
    send: (frame) => {
      if (!socket.destroyed) socket.write(frame);
    },
    drained: () => drained(socket),
    close: () => void socket.destroy(),
  };
  const fail = (error: unknown): void => {
    // Bytes of another protocol are no fault of the server's.
    if (!(error instanceof FrameError)) onError(error);
    socket.destroy();
  };
  const run = (type: number, bytes: Buffer, start: number, end: number): Promise<void> | undefined => {
    if (type === FRAME.message) return executor.execute(bytes, start, end, reply);
    if (type === FRAME.info) reply.send(infoResponse(answerInfo(context, bytes.toString('utf8', start, end))));
    // Community Edition takes no compressed commands (8.1, `as/src/base/proto_ce.c`) and has no users.
    else if (type === FRAME.compressed) reply.send(singleResponse(emptyOutcome(RESULT.enterpriseOnly)));
    else if (type === FRAME.admin) reply.send(adminResponse(RESULT.securityNotSupported));
    else throw new FrameError(`type ${type} of a frame is not known`);
    return undefined;
  };
  const reader = new FrameReader((type, bytes, start, end) => {
    const pending = run(type, bytes, start, end);
    return pending ?? (socket.writableNeedDrain ? drained(socket) : undefined);
  });
  const resume = (): void => void socket.resume();
  socket.on('data', (chunk: Buffer) => {
    try {
      const pending = reader.push(chunk);
      if (pending === undefined) return;
      socket.pause();
      pending.then(resume, fail);
    } catch (error) {
      fail(error);
    }
  });
  // A client that goes away in the middle of something is no fault of the server's.
  socket.on('error', () => socket.destroy());
}

/** The server's side of the connection: an address that this client can surely reach, also on every interface. */
function localAddress({ localAddress: address = '127.0.0.1' }: Socket): string {
  const withoutMapping = address.replace(/^::ffff:(?=\d+\.)/, '');
  return inUrl(withoutMapping);
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
