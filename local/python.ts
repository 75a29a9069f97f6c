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

/**
 * Starts moto with the project's extensions.
 * @param complain is told each line that it writes about itself
 */
export async function startAwsServer(port: number, complain: (problem: string) => void): Promise<AwsServer> {
  // The open pipe to its input tells it that this process lives. moto warns of what its CloudFormation leaves out, which
  // tests of the template look at.
  const child = spawn(pythonCommand(), ['-W', 'ignore', SERVER, '--port', String(port)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  createInterface({ input: child.stderr }).on('line', complain);
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => {
      const { endpoint } = JSON.parse(line) as { endpoint: string };
      resolve({ endpoint, child });
    });
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`the embedded cloud did not start: exit status ${code}`)));
  });
}
