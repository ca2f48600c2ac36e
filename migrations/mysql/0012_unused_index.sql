-- No query is answered by it: bookings are found by their status, their end, their call or their uid.
ALTER TABLE appointments DROP KEY appointments_standing;
