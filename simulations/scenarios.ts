export { default as s3BucketExposed } from './exfiltration/s3-bucket-exposed.ts';
