import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Policy } from '../engine/policy.ts';
import { environmentCredentials, leaveOutUnreached, shakeSchemas } from './aws-sdk-shake.ts';
import { loadPolicy } from './response-policy.ts';
import { loadWorkers } from './workers.ts';

/** SDK clients in a bundle, and its bytes. */
export interface Bundle {
  readonly worker: string;
  readonly bytes: number;
  readonly clients: readonly string[];
}

/** A worker's bundle may have this many bytes: more clients, more bytes. */
export const budget = ({ clients }: Pick<Bundle, 'clients'>): number => (clients.length > 3 ? 400_000 : 300_000);

/**
 * Bundles a worker into `dist/<worker>/`: index.mjs, its source map apart, and the policy it runs under.
 * The same sources give the same bytes.
 */
export async function bundle(worker: string, policy: Policy, out = 'dist'): Promise<Bundle> {
  const folder = `${out}/${worker}`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    entryPoints: [`functions/${worker}/handler.ts`],
    outfile: `${folder}/index.mjs`,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    sourcemap: 'external',
    legalComments: 'none',
    metafile: true,
    plugins: [shakeSchemas, environmentCredentials, leaveOutUnreached],
    // CommonJS packages in an ES module need a require of their own. The banner is not minified with the rest: no name here
    // may be one that the minifier makes, which are short.
    banner: { js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);" },
  });
  writeFileSync(`${folder}/response-policy.json`, `${JSON.stringify(policy)}\n`);
  const inputs = Object.keys(metafile.inputs);
  const clients = [...new Set(inputs.map((path) => /@aws-sdk\/(client-[a-z0-9-]+)\//.exec(path)?.[1]))].filter(
    (name) => name !== undefined,
  );
  return { worker, bytes: statSync(`${folder}/index.mjs`).size, clients };
}

/** Bundles all workers under a policy file, which is checked first. */
export async function bundleAll(policyFile: string, out = 'dist'): Promise<Bundle[]> {
  const workers = await loadWorkers();
  const policy = loadPolicy(
    policyFile,
    workers.flatMap(({ remediations }) => remediations),
  );
  return Promise.all(workers.map(({ name }) => bundle(name, policy, out)));
}
