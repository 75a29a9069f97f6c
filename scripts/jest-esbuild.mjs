import { transformSync } from 'esbuild';

/** Jest's transform: the esbuild that also makes the bundles, so that tests and Lambdas run the same JavaScript. */
export default {
  process: (source, path) =>
    transformSync(source, { loader: 'ts', format: 'esm', target: 'node24', sourcemap: 'inline', sourcefile: path }),
};
