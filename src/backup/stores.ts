import { join, resolve } from "node:path";
import { type Config, SETTINGS } from "../settings.ts";
import { BackupError } from "./backup-error.ts";
import { BackupFolder } from "./folder.ts";
import { S3Store } from "./s3-store.ts";

/** The directory of backups that the settings name. */
export function folderOf(config: Config): BackupFolder {
  return new BackupFolder(resolve(config.backupDir || join(config.dataDir, "backups")));
}

/** @throws BackupError naming the settings that are missing */
export function s3StoreOf(config: Config): S3Store {
  const needed = ["backupS3Endpoint", "backupS3Bucket", "backupS3AccessKey", "backupS3SecretKey"] as const;
  const missing = needed.filter((key) => config[key] === "").map((key) => SETTINGS[key].name);
  if (missing.length > 0) throw new BackupError(`For S3, set ${missing.join(", ")}.`);
  return new S3Store({
    endpoint: config.backupS3Endpoint,
    bucket: config.backupS3Bucket,
    prefix: config.backupS3Prefix,
    accessKey: config.backupS3AccessKey,
    secretKey: config.backupS3SecretKey,
    region: config.backupS3Region,
  });
}

/** Whether any setting of a bucket is given. */
export const hasS3 = (config: Config): boolean => config.backupS3Bucket !== "";
