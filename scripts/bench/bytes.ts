import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { budget, bundleAll } from '../bundle.ts';
import { SHIPPED_POLICY } from '../response-policy.ts';
import { atMost, kilobytes, type Measurement } from './measurement.ts';

/** The bytes of each worker, which every cold start loads. */
export const bytes: Measurement = {
  name: 'bytes',
  about: 'bytes of the bundle of each worker',
  page: 'benchmarks',
  async measure(bench) {
    const out = path.join(bench.folder, 'bytes');
    bench.progress('bundling the workers');
    const bundles = await bundleAll(SHIPPED_POLICY, out);
    return {
      title: 'Bundles',
      body: [
        'What is uploaded for each worker. Deterministic, and also held by `npm run check`.',
        {
          head: ['worker', 'minified', 'budget', 'gzip', 'SDK clients'],
          rows: bundles.map((made) => [
            made.name,
            kilobytes(made.bytes),
            kilobytes(budget(made)),
            kilobytes(gzipSync(readFileSync(path.join(out, made.name, 'index.mjs'))).length),
            made.clients.map((client) => client.replace('client-', '')).join(', '),
          ]),
        },
      ],
      figures: bundles.map((made) => atMost(`bundle: ${made.name}`, made.bytes, budget(made), kilobytes)),
    };
  },
};
