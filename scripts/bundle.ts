import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
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

/** How a handler is bundled for Lambda, whatever is in it. */
export const HANDLER = {
  absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  sourcemap: 'external',
  legalComments: 'none',
  plugins: [shakeSchemas, environmentCredentials, leaveOutUnreached],
  // CommonJS packages in an ES module need a require of their own. The banner is not minified with the rest: no name here
  // may be one that the minifier makes, which are short.
  banner: { js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);" },
} satisfies BuildOptions;

/**
 * Bundles all workers into `<out>/<worker>/`: index.mjs, its source map apart, and the policy it runs under, which is checked
 * first. The same sources give the same bytes.
 */
export async function bundleAll(policyFile: string, out = 'dist'): Promise<Bundle[]> {
  const workers = await loadWorkers();
  const policy = loadPolicy(
    policyFile,
    workers.flatMap(({ remediations }) => remediations),
  );
  for (const { name } of workers) rmSync(`${out}/${name}`, { recursive: true, force: true });
  // One build for all, so that what they share is read once.
  const { metafile } = await build({
    ...HANDLER,
    entryPoints: workers.map(({ name }) => ({ in: `functions/${name}/handler.ts`, out: `${name}/index` })),
    outdir: path.resolve(out),
    outExtension: { '.js': '.mjs' },
    metafile: true,
  });
  const outputs = Object.entries(metafile.outputs);
  return workers.map(({ name: worker }) => {
    writeFileSync(`${out}/${worker}/response-policy.json`, `${JSON.stringify(policy)}\n`);
    const [, output] = outputs.find(([file]) => file.endsWith(`/${worker}/index.mjs`)) ?? [];
    const clients = Object.keys(output?.inputs ?? {}).map((file) => /@aws-sdk\/(client-[a-z0-9-]+)\//.exec(file)?.[1]);
    return { worker, bytes: output?.bytes ?? 0, clients: [...new Set(clients)].filter((name) => name !== undefined) };
  });
}
