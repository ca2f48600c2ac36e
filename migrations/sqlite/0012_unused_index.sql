-- No query is answered by it: bookings are found by their status, their end, their call or their uid.
DROP INDEX appointments_standing;
