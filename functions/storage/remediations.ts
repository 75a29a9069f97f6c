export { default as blockPublicBucket } from './block-public-bucket.ts';
