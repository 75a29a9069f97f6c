import { globSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/** Every word of our own sources: an error class that is not among them is one that we do not ask for. */
const ownWords = new Set(
  globSync(fileURLToPath(new URL('../{engine,functions}/**/*.ts', import.meta.url)))
    .filter((path) => !path.endsWith('.test.ts'))
    .flatMap((path) => readFileSync(path, 'utf8').match(/\w+/g) ?? []),
);

/**
 * Makes the SDK's schema tables removable. They are written with computed keys (`{ [_xN]: … }`), in which esbuild must
 * suspect side effects, so that every operation of a service would stay in the bundle for the few that are called. For the
 * same reason every modelled error stays, RDS's 40 kB of them; those that our sources do not name come out, and such an
 * error reaches us as the service's base exception, with the name that the service sent.
 */
export const shakeSchemas: Plugin = {
  name: 'shake-aws-sdk-schemas',
  setup(build) {
    build.onLoad({ filter: /[\\/]@aws-sdk[\\/].*[\\/]dist-es[\\/]schemas[\\/]schemas_\d+\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const names = new Map(
        [...source.matchAll(/^const (_\w+) = ("(?:[^"\\]|\\.)*");$/gm)].map(([, name = '', text = '']) => [name, text]),
      );
      const contents = source
        .replace(/\[(_\w+)\]:/g, (key, name: string) => (names.has(name) ? `${names.get(name)}:` : key))
        .replace(/^n\d+_registry\.registerError\(\w+\$, (\w+)\);$/gm, (line, name: string) =>
          ownWords.has(name) ? line : '',
        );
      return { contents, loader: 'js' };
    });
  },
};

/**
 * In Lambda, credentials are in the environment. The SDK's default chain also carries profiles, SSO, processes and instance
 * metadata, with the clients these need: about 130 kB that would be loaded at every cold start and never used.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export const environmentCredentials: Plugin = {
  name: 'environment-credentials',
  setup(build) {
    const namespace = 'environment-credentials';
    build.onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, () => ({
      path: namespace,
      namespace,
      sideEffects: false,
    }));
    build.onLoad({ filter: /.*/, namespace }, () => ({
      contents: `export const defaultProvider = () => async () => {
        const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
        if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) throw new Error('there are no credentials in the environment');
        return { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, sessionToken: AWS_SESSION_TOKEN };
      };`,
    }));
  },
};

/** Modules that no call of ours comes to, though every client imports them, and what stands in for each. */
const UNREACHED: Readonly<Record<string, string>> = {
  // A few operations answer with an event stream, such as S3's SelectObjectContent.
  '@smithy/core/event-streams': `
    export const resolveEventStreamSerdeConfig = (config) => config;
    export const eventStreamSerdeProvider = () => undefined;
    export class EventStreamSerde {}`,
  // DynamoDB's endpoint discovery is off unless one asks for it.
  '@aws-sdk/middleware-endpoint-discovery': `
    export const NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS = {};
    export const resolveEndpointDiscoveryConfig = (config) => config;`,
  // A multi-Region access point takes a signature for several Regions, a directory bucket one with a session's credentials.
  '@aws-sdk/signature-v4-multi-region': `
    import { SignatureV4 } from '@smithy/signature-v4';
    export { SignatureV4 as SignatureV4MultiRegion, SignatureV4 as SignatureV4SignWithCredentials };`,
  // S3 takes CRC-32 unless one asks for another checksum, and answers for an object with the one that it took.
  '@aws-sdk/checksums/sha': 'export class Sha1 {}',
  '@aws-sdk/checksums/crc': `
    export { Crc32 } from '@smithy/core/checksum';
    export class Crc32c {}
    export class Crc64Nvme {}`,
};

/**
 * Files of @smithy packages that are never reached in Node, by their path below submodules/ or dist-es/: what stands in for its own
 * crypto, for its own streams, and for a Region that the environment does not say.
 */
const UNREACHED_FILES: Readonly<Record<string, string>> = {
  // For messages of event streams.
  HeaderFormatter: 'export class HeaderFormatter {}',
  'checksum/sha256/Sha256Js': 'export class Sha256Js {}',
  'checksum/md5/Md5Js': 'export class Md5Js {}',
  'serde/util-stream/checksum/createChecksumStream.browser': 'export const createChecksumStream = undefined;',
  // For bodies that come in many small pieces, where one asks for it.
  'serde/util-stream/createBufferedReadable': 'export const createBufferedReadable = (body) => body;',
  'serde/util-stream/getAwsChunkedEncodingStream.browser': 'export const getAwsChunkedEncodingStream = undefined;',
  'serde/util-stream/stream-collector.browser':
    'export const collectBlob = undefined, collectReadableStream = undefined;',
  'serde/util-stream/sdk-stream-mixin.browser': 'export const sdkStreamMixin = undefined;',
  'config/config-resolver/regionConfig/getInstanceMetadataRegion':
    'export const getInstanceMetadataRegion = async () => undefined;',
  // Lambda has no files of profiles: what is not in the environment is not set.
  'config/shared-ini-file-loader/loadSharedConfigFiles': `
    export const CONFIG_PREFIX_SEPARATOR = '.';
    export const loadSharedConfigFiles = async () => ({ configFile: {}, credentialsFile: {} });`,
};

/** Puts a few lines in place of modules that are never reached, and of each package.json but its version. */
export const leaveOutUnreached: Plugin = {
  name: 'leave-out-unreached',
  setup(build) {
    const namespace = 'unreached';
    build.onResolve({ filter: /^@(?:aws-sdk|smithy)\// }, ({ path, resolveDir }) =>
      Object.hasOwn(UNREACHED, path) ? { path, namespace, pluginData: resolveDir, sideEffects: false } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace }, ({ path, pluginData }) => ({
      contents: UNREACHED[path] ?? '',
      resolveDir: pluginData,
    }));
    build.onLoad(
      { filter: /[\\/]@smithy[\\/](core[\\/]dist-es[\\/]submodules|signature-v4[\\/]dist-es)[\\/]/ },
      ({ path }) => {
        const file = path.replaceAll('\\', '/').replace(/^.*\/(?:submodules|dist-es)\/(.*)\.js$/, '$1');
        return Object.hasOwn(UNREACHED_FILES, file) ? { contents: UNREACHED_FILES[file] ?? '' } : undefined;
      },
    );
    build.onLoad({ filter: /[\\/]@aws-sdk[\\/]client-[\w-]+[\\/]package\.json$/ }, async ({ path }) => {
      const { version } = JSON.parse(await readFile(path, 'utf8'));
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
  },
};
