import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SERVER = fileURLToPath(new URL('./aws/server.py', import.meta.url));

/** The Python that scripts/with-setup.mjs found or made, with moto. */
export function pythonCommand(): string {
  const { FIREBREAK_PYTHON } = process.env;
  if (!FIREBREAK_PYTHON) throw new Error('FIREBREAK_PYTHON is not set: start this through node scripts/with-setup.mjs');
  return FIREBREAK_PYTHON;
}

/** The running simulator of AWS. */
export interface AwsServer {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly child: ChildProcess;
}

/** Starts moto with the project's extensions. @throws with what it wrote when it does not come up */
export async function startAwsServer(port: number): Promise<AwsServer> {
  // The open pipe to its input tells it that this process lives.
  const child = spawn(pythonCommand(), [SERVER, '--port', String(port)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const written: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    written.push(line);
    if (written.length > 40) written.shift();
  });
  return new Promise((resolve, reject) => {
    const output = createInterface({ input: child.stdout });
    output.once('line', (line) => {
      const { endpoint } = JSON.parse(line) as { endpoint: string };
      resolve({ endpoint, child });
    });
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`the embedded cloud did not start (${code})\n${written.join('\n')}`)));
  });
}
