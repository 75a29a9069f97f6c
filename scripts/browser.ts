import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** Names under which systems have Chromium or what is built on it. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge'];
const FIXED = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** What names the browser to use; then it has to be there. */
export const BROWSER = 'FIREBREAK_CHROMIUM';

/** A Chromium that runs, or undefined when there is none: it is nothing that the project installs. */
export function findBrowser(): string | undefined {
  const named = process.env[BROWSER];
  if (named) return named;
  return [...NAMES, ...FIXED].find((each) => spawnSync(each, ['--version'], { stdio: 'ignore' }).status === 0);
}

/** What a page is shown on. */
export interface Screen {
  /** CSS pixels. */
  readonly width: number;
  readonly scheme?: 'light' | 'dark';
  /** Device pixels for each CSS pixel of a picture. */
  readonly scale?: number;
}

/** A page as it is on a screen. */
export interface Shown {
  /** URLs that it asked for, without its own. */
  readonly requests: readonly string[];
  /** CSS pixels by which it is wider than the screen: what would have to be scrolled. */
  readonly overflow: number;
  /** Elements that are wider than the room that they have, as `<tag class> text`. */
  readonly spilling: readonly string[];
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

type Ask = (method: string, params?: object) => Promise<Record<string, unknown>>;

const MEASURE = `(() => {
  const spilling = [...document.body.querySelectorAll('*')]
    .filter((each) => each instanceof HTMLElement && each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1)
    .map((each) => '<' + each.tagName.toLowerCase() + ' ' + each.className + '> ' + each.textContent.slice(0, 40));
  return { width: document.documentElement.scrollWidth, spilling };
})()`;

/** Milliseconds that an answer of the browser may take. */
const PATIENCE = 30_000;

/**
 * A headless Chromium, spoken to by the DevTools protocol through a pipe; it resolves no name, so that it reaches nothing.
 * https://chromedevtools.github.io/devtools-protocol/
 */
export class Browser implements AsyncDisposable {
  readonly #file: string;
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #to: Writable;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #heard: Message[] = [];
  #last = 0;
  #gone: string | undefined;

  /** @param file a path, or a name on the PATH */
  constructor(file: string) {
    this.#file = file;
    this.#profile = mkdtempSync(path.join(tmpdir(), 'firebreak-browser-'));
    const args = [
      ...['--headless', '--remote-debugging-pipe', '--no-first-run', '--disable-gpu', '--hide-scrollbars'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'],
      ...[`--user-data-dir=${this.#profile}`, '--host-resolver-rules=MAP * ~NOTFOUND'],
      // Its sandbox cannot be set up by root.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ];
    this.#process = spawn(file, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.#to = this.#process.stdio[3] as Writable;
    this.#listen(this.#process.stdio[4] as Readable);
    this.#process.once('exit', (status) => this.#end(`it ended with ${status}`));
    this.#process.once('error', ({ message }) => this.#end(message));
    this.#to.on('error', ({ message }) => this.#end(message));
  }

  #end(message: string): void {
    this.#gone ??= `${this.#file} does not run: ${message}`;
    for (const answer of this.#waiting.values()) answer({ error: { message: this.#gone } });
  }

  #listen(from: Readable): void {
    let rest = '';
    from.setEncoding('utf8').on('data', (chunk: string) => {
      const messages = `${rest}${chunk}`.split('\0');
      rest = messages.pop() ?? '';
      for (const text of messages) {
        const message = JSON.parse(text) as Message;
        if (message.id === undefined) this.#heard.push(message);
        else this.#waiting.get(message.id)?.(message);
      }
    });
  }

  async #ask(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    if (this.#gone !== undefined) throw new Error(this.#gone);
    this.#last += 1;
    const id = this.#last;
    const answered = new Promise<Message>((resolve) => {
      const late = setTimeout(() => resolve({ error: { message: 'no answer' } }), PATIENCE);
      this.#waiting.set(id, (message) => {
        clearTimeout(late);
        resolve(message);
      });
    });
    this.#to.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`);
    const { error, result = {} } = await answered;
    this.#waiting.delete(id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** Loads a page, and answers how to speak to it. */
  async #load(url: string, { width, scheme = 'light', scale = 1 }: Screen): Promise<Ask> {
    const { targetId } = await this.#ask('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.#ask('Target.attachToTarget', { targetId, flatten: true });
    const ask: Ask = (method, params) => this.#ask(method, params, String(sessionId));
    await ask('Network.enable');
    await ask('Page.enable');
    const screen = { width, height: 900, deviceScaleFactor: scale, mobile: width < 600 };
    await ask('Emulation.setDeviceMetricsOverride', screen);
    await ask('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    this.#heard.length = 0;
    await ask('Page.navigate', { url });
    await this.#until(({ method }) => method === 'Page.loadEventFired');
    return ask;
  }

  /** Shows a page. @param url of a file, or of data */
  async show(url: string, screen: Screen): Promise<Shown> {
    const ask = await this.#load(url, screen);
    const { result } = await ask('Runtime.evaluate', { expression: MEASURE, returnByValue: true });
    const { value } = result as { value: { readonly width: number; readonly spilling: readonly string[] } };
    const requests = this.#heard
      .filter(({ method }) => method === 'Network.requestWillBeSent')
      .map(({ params }) => (params as { readonly request: { readonly url: string } }).request.url)
      .filter((each) => each !== url);
    await ask('Page.close');
    return { requests, overflow: Math.max(0, value.width - screen.width), spilling: value.spilling };
  }

  /** A picture of the upper part of a page, WebP. @param url of a file, or of data @param height CSS pixels */
  async picture(url: string, screen: Screen, height: number): Promise<Buffer> {
    const ask = await this.#load(url, screen);
    const clip = { x: 0, y: 0, width: screen.width, height, scale: 1 };
    const { data } = await ask('Page.captureScreenshot', {
      captureBeyondViewport: true,
      clip,
      format: 'webp',
      quality: 70,
    });
    await ask('Page.close');
    return Buffer.from(String(data), 'base64');
  }

  /** A page as it is printed on A4, PDF. @param url of a file, or of data */
  async print(url: string): Promise<Buffer> {
    const ask = await this.#load(url, { width: 1_280 });
    const { data } = await ask('Page.printToPDF', { paperWidth: 8.27, paperHeight: 11.69, preferCSSPageSize: true });
    await ask('Page.close');
    return Buffer.from(String(data), 'base64');
  }

  async #until(wanted: (message: Message) => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!this.#heard.some(wanted)) {
      if (Date.now() > deadline) throw new Error('the page was not loaded in time');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#gone === undefined) {
      const exit = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await exit;
    }
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
