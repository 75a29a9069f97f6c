import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { environmentCredentials, leaveOutUnreached, shakeSchemas } from './aws-sdk-shake.ts';
import { loadPolicy } from './response-policy.ts';
import { functionNames, loadWorkers } from './workers.ts';

/** SDK clients in a bundle, and its bytes. */
export interface Bundle {
  /** Of the folder below functions/. */
  readonly name: string;
  readonly bytes: number;
  readonly clients: readonly string[];
}

/** A bundle may have this many bytes: more clients, more bytes. The simulator is no worker: nobody waits for its cold start. */
export const budget = ({ name, clients }: Pick<Bundle, 'name' | 'clients'>): number =>
  name === 'simulate' ? 800_000 : clients.length > 3 ? 400_000 : 300_000;

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
 * Bundles every function into `<out>/<name>/`: index.mjs, its source map apart, and the policy it runs under, which is checked
 * first. The same sources give the same bytes.
 */
export async function bundleAll(policyFile: string, out = 'dist'): Promise<Bundle[]> {
  const policy = loadPolicy(
    policyFile,
    (await loadWorkers()).flatMap(({ remediations }) => remediations),
  );
  const names = functionNames();
  for (const name of names) rmSync(`${out}/${name}`, { recursive: true, force: true });
  // One build for all, so that what they share is read once.
  const { metafile } = await build({
    ...HANDLER,
    entryPoints: names.map((name) => ({ in: `functions/${name}/handler.ts`, out: `${name}/index` })),
    outdir: path.resolve(out),
    outExtension: { '.js': '.mjs' },
    metafile: true,
  });
  const outputs = Object.entries(metafile.outputs);
  return names.map((name) => {
    writeFileSync(`${out}/${name}/response-policy.json`, `${JSON.stringify(policy)}\n`);
    const [, output] = outputs.find(([file]) => file.endsWith(`/${name}/index.mjs`)) ?? [];
    const clients = Object.keys(output?.inputs ?? {}).map((file) => /@aws-sdk\/(client-[a-z0-9-]+)\//.exec(file)?.[1]);
    return { name, bytes: output?.bytes ?? 0, clients: [...new Set(clients)].filter((client) => client !== undefined) };
  });
}
