import { Agent, request } from 'node:http';

/** Requests over kept connections, timed from the request to the last byte of its answer. */
export class TimedClient {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(url: string, connections = 1) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** JSON by GET. @throws an Error when it is not answered 200 */
  async get(path: string): Promise<{ readonly ms: number; readonly body: unknown }> {
    const { ms, status, text } = await this.#send('GET', path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
    return { ms, body: JSON.parse(text) as unknown };
  }

  /** A tag that must be acknowledged. @throws an Error otherwise */
  async post(tag: string): Promise<void> {
    const { status, text } = await this.#send('POST', '/user_tags', tag);
    if (status !== 204) throw new Error(`POST /user_tags: ${status} ${text}`);
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, body?: string): Promise<{ ms: number; status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const sentAt = performance.now();
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const sending = request(new URL(path, this.#url), { method, agent: this.#agent, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('error', reject);
        answer.on('end', () => resolve({ ms: performance.now() - sentAt, status: answer.statusCode ?? 0, text }));
      });
      sending.on('error', reject);
      sending.end(body);
    });
  }
}
