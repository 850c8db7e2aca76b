package bridge

// ThreadNotes begins the keys under which doors note what a thread is about. Whoever
// keeps notes keeps of these the newest 50,000, whatever else is noted.
const ThreadNotes = "thread/"
