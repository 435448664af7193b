CREATE TABLE `health_checks` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`created_at` integer NOT NULL,
	`status` text NOT NULL,
	`checks` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `health_checks_by_time` ON `health_checks` (`created_at`);--> statement-breakpoint
CREATE TABLE `model_versions` (
	`name` text NOT NULL,
	`version` text NOT NULL,
	`sha256` text NOT NULL,
	`first_seen_at` integer NOT NULL,
	`last_loaded_at` integer NOT NULL,
	PRIMARY KEY(`name`, `version`, `sha256`)
);
--> statement-breakpoint
CREATE TABLE `predictions` (
	`id` text PRIMARY KEY NOT NULL,
	`created_at` integer NOT NULL,
	`request_id` text NOT NULL,
	`model_name` text NOT NULL,
	`model_version` text NOT NULL,
	`model_sha256` text NOT NULL,
	`client_hash` text NOT NULL,
	`image_count` integer NOT NULL,
	`image_digests` text NOT NULL,
	`class_id` text,
	`prob` real,
	`confidence` text,
	`outcome` text NOT NULL,
	`cached` integer NOT NULL,
	`error` text,
	`timings` text NOT NULL,
	`total_ms` real NOT NULL
);
--> statement-breakpoint
CREATE INDEX `predictions_by_time` ON `predictions` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `predictions_by_model` ON `predictions` (`model_name`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `predictions_by_confidence` ON `predictions` (`confidence`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `predictions_by_outcome` ON `predictions` (`outcome`,`created_at`,`id`);