//! What the actors need from the world, one file per noun. Adapters live in the service.

pub mod calendar;
pub mod clock;
pub mod directory;
pub mod fakes;
pub mod journal;
pub mod rows;
pub mod stores;
pub mod unreadable;
pub mod voice;
